import type { Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { poll } from '../../../kit/poll.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { steps } from '../api/commands.ts';
import { isUnder, join } from '../api/paths.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { allPlaces } from './disk.ts';
import { type Found, takeIfThere } from './find.ts';
import { isGone } from './listing.ts';
import { notesOfLeft } from './notes.ts';
import { isSaved, powerOff } from './orders.ts';
import { alone, type Rig, within } from './session.ts';
import { checkMerge, checkUsers } from './users.ts';

/** Removes the instance's machine with its disks; what was taken over is given back, stopped. */
export function remove(rig: Rig, instance: Instance): Promise<void> {
  return alone(rig, instance, async () => {
    const found = await takeIfThere(rig, instance);
    if (found === undefined) {
      rig.context.log('delete.missing');
    } else if (found.mark.origin === 'adopted' && !rig.settings.delete_adopted) {
      if (!isSaved(found.state)) await powerOff(rig, found, 'hard');
      const notes = notesOfLeft(found.notes, instance);
      await rig.host.ask(steps.notes, { id: found.id, proof: found.proof, notes });
      rig.context.log('delete.released', { machine: found.id });
    } else {
      await removeMachine(rig, found);
    }
  });
}

/**
 * Power, checkpoints, disks, machine, in this order: until the last step the machine is there with
 * its mark, so that whoever was stopped half-way can be followed by another who finishes.
 */
export async function removeMachine(rig: Rig, found: Found): Promise<void> {
  const { host, context } = rig;
  await powerOff(rig, found, 'hard');
  const details = await withoutCheckpoints(rig, found);
  const files = await ownFiles(rig, found, details);
  // Its folder goes last, when the machine has taken its own files out of it.
  await host.ask(steps.erase, { files, folder: '' }, { paths: files });
  await takeOut(rig, found);
  await host.ask(steps.erase, { files: [], folder: machineFolder(rig, found.mark) });
  context.log('machine.removed', { machine: found.id, files });
}

/** Whatever Hyper-V complains of: a machine that is gone was removed. */
async function takeOut(rig: Rig, { id, proof }: Found): Promise<void> {
  try {
    await rig.host.ask(steps.remove, { id, proof });
  } catch (thrown) {
    if (!isFromPowerShell(thrown) || !(await isGone(rig, id))) throw thrown;
  }
}

/**
 * Removes what a create left under this id, within the margin that it has for that. What says that it
 * is built stays: whether we have written that or not, another call may have reported the machine.
 */
export async function withdraw(rig: Rig, found: Found, margin: Deadline): Promise<void> {
  const inMargin = within(rig, margin);
  if (await isGone(inMargin, found.id)) return eraseLeft(inMargin, found);
  const { notes, state } = await inMargin.host.ask(steps.machine, { id: found.id });
  if (isHalfMade(notes, found)) return removeMachine(inMargin, { ...found, state });
  rig.context.log('undo.left', { machine: found.id, level: 'warn' });
}

/** Whoever removed the machine meanwhile left what was made for it. */
async function eraseLeft(rig: Rig, found: Found): Promise<void> {
  const files = allPlaces(rig.settings, found.mark);
  await checkUsers(rig, found, files);
  const folder = machineFolder(rig, found.mark);
  await rig.host.ask(steps.erase, { files, folder }, { paths: files });
}

/** A machine may have been made and not yet marked. */
function isHalfMade(notes: string, { mark: { uuid } }: Found): boolean {
  const mark = readMark(notes);
  if (mark === undefined) return true;
  return mark !== 'unreadable' && mark.uuid === uuid && mark.state === 'building';
}

/** The machine after all its checkpoints are gone and their disks merged, which Hyper-V does later. */
export async function withoutCheckpoints(rig: Rig, found: Found): Promise<Details> {
  const { host, context } = rig;
  const { id, proof, name } = found;
  const before = await host.ask(steps.machine, { id });
  if (before.snapshots.length > 0) {
    await checkMerge(rig, found, before);
    const all = { order: 'remove', snapshot: '', name: '', type: '' } as const;
    await host.ask(steps.checkpoint, { id, proof, ...all });
  } else if (!isMerging(before)) {
    return before;
  }
  return poll(context.deadline, `waiting for the checkpoints of ${name} to be merged`, async () => {
    const details = await host.ask(steps.machine, { id });
    return details.snapshots.length === 0 && !isMerging(details) ? details : undefined;
  });
}

export function isMerging({ disks, busy, snapshots }: Details): boolean {
  if (busy.includes('MergingDisks')) return true;
  return snapshots.length === 0 && disks.some(({ path }) => /\.avhdx?$/i.test(path));
}

/** Its disks in the folder for disks, as far as no other machine uses them too. */
async function ownFiles(rig: Rig, found: Found, { disks }: Details): Promise<readonly string[]> {
  const { settings, context } = rig;
  const inside = disks.map(({ path }) => path).filter((path) => isUnder(path, settings.vhd_path));
  const left = disks.map(({ path }) => path).filter((path) => !inside.includes(path));
  if (left.length > 0) context.log('delete.disks-left', { files: left, level: 'warn' });
  const paths = [...new Set([...inside, ...allPlaces(settings, found.mark)])];
  await checkUsers(rig, found, paths);
  return paths;
}

export function machineFolder(
  { settings }: Rig,
  { name, uuid }: { readonly name: string; readonly uuid: string },
): string {
  return join(settings.vm_path, `${name}-${uuid}`);
}

import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import * as changing from '../api/commands/changing.ts';
import * as inspecting from '../api/commands/inspecting.ts';
import * as removing from '../api/commands/removing.ts';
import { isUnder } from '../api/paths.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { allPlaces, machineFolder } from './disk.ts';
import { type HostMachine, isGone, nameOf, ownOf, readDetails } from './list.ts';
import { cutPower, withState } from './power.ts';
import { ask, type Session } from './session.ts';

/**
 * Power, checkpoints, disks, machine, in this order: until the last step the machine is there with
 * its mark, so that another call can finish what one that was stopped half-way has begun.
 */
export async function removeMachine(session: Session, machine: HostMachine): Promise<void> {
  await cutPower(session, machine);
  const details = await withoutCheckpoints(session, machine);
  const files = await ownFiles(session, machine, details);
  // Its folder goes last, when the machine has taken its own files out of it.
  await ask(session, removing.erase, { files, folder: '' }, { paths: files });
  await takeOut(session, machine);
  await ask(session, removing.erase, { files: [], folder: folderOf(session, machine) });
  session.context.log('machine.removed', { machine: machine.remoteId, files });
}

/** Removes the machine; an error of Hyper-V does not count when the machine is gone afterwards. */
async function takeOut(session: Session, machine: HostMachine): Promise<void> {
  try {
    await ask(session, removing.remove, ownOf(machine));
  } catch (thrown) {
    if (!isFromPowerShell(thrown) || !(await isGone(session, machine.remoteId))) throw thrown;
  }
}

/**
 * Removes what a create left under this id. A machine whose mark says that it is built stays: whether
 * this call has written that or not, the management server may have seen the machine by now.
 */
export async function withdraw(session: Session, machine: HostMachine): Promise<void> {
  if (await isGone(session, machine.remoteId)) return eraseLeft(session, machine);
  const { notes, state } = await readDetails(session, machine);
  if (isPartial(notes, machine)) return removeMachine(session, withState(machine, state));
  session.context.log('undo.left', { machine: machine.remoteId, level: 'warn' });
}

/** A machine that was removed in Hyper-V's own tools leaves the files that were made for it. */
async function eraseLeft(session: Session, machine: HostMachine): Promise<void> {
  const files = placesOf(session, machine);
  await checkUsers(session, machine, files);
  const folder = folderOf(session, machine);
  await ask(session, removing.erase, { files, folder }, { paths: files });
}

/** A machine may have been made and not yet marked. */
function isPartial(notes: string, { mark: own }: HostMachine): boolean {
  const mark = readMark(notes);
  if (mark === undefined) return true;
  if (typeof mark !== 'object' || typeof own !== 'object') return false;
  return mark.uuid === own.uuid && mark.state === 'building';
}

/** The machine after all its checkpoints are gone and their disks merged, which Hyper-V does later. */
export async function withoutCheckpoints(session: Session, machine: HostMachine): Promise<Details> {
  const before = await readDetails(session, machine);
  if (before.snapshots.length > 0) {
    await checkMerge(session, machine, before);
    const all = { order: 'remove', snapshot: '', name: '', type: '' } as const;
    await ask(session, changing.checkpoint, { ...ownOf(machine), ...all });
  } else if (!isMerging(before)) {
    return before;
  }
  const doing = `waiting for the checkpoints of ${nameOf(machine)} to be merged`;
  return poll(session.deadline, doing, async () => {
    const details = await readDetails(session, machine);
    return details.snapshots.length === 0 && !isMerging(details) ? details : undefined;
  });
}

export function isMerging({ disks, busy, snapshots }: Details): boolean {
  if (busy.includes('MergingDisks')) return true;
  return snapshots.length === 0 && disks.some(({ path }) => /\.avhdx?$/i.test(path));
}

/** Its disks in the folder for disks; fails where another machine uses them too. */
async function ownFiles(
  session: Session,
  machine: HostMachine,
  { disks }: Details,
): Promise<readonly string[]> {
  const all = disks.map(({ path }) => path);
  const inside = all.filter((path) => isUnder(path, session.settings.vhd_path));
  const left = all.filter((path) => !inside.includes(path));
  if (left.length > 0) session.context.log('delete.disks-left', { files: left, level: 'warn' });
  const paths = [...new Set([...inside, ...placesOf(session, machine)])];
  await checkUsers(session, machine, paths);
  return paths;
}

/** Fails when another machine uses one of these files, itself or as the parent of its own disk. */
export async function checkUsers(
  session: Session,
  machine: HostMachine,
  paths: readonly string[],
): Promise<void> {
  const { used } = await ask(session, inspecting.users, { id: machine.remoteId, paths });
  if (used.length === 0) return;
  throw new Failure(
    'conflict',
    `Disks of ${nameOf(machine)} are used by other machines: ${[...new Set(used)].join(', ')}`,
    {
      advice: 'Remove those machines or give them disks of their own first',
      tenant: 'The disk of this instance is still in use; ask your administrator',
    },
  );
}

/** A merge changes a disk for every other machine whose own disk builds on it. */
export function checkMerge(
  session: Session,
  machine: HostMachine,
  { disks }: Details,
): Promise<void> {
  // Hyper-V names the file of a checkpoint after the disk that it is merged into.
  const bases = disks.map(({ path }) => path.replace(/_[0-9a-f-]{36}\.a(vhdx?)$/i, '.$1'));
  return checkUsers(session, machine, [...bases, ...placesOf(session, machine)]);
}

function placesOf({ settings }: Session, machine: HostMachine): readonly string[] {
  return allPlaces(settings, { name: nameOf(machine), remoteId: machine.remoteId });
}

/** Empty, which leaves every folder alone, for a machine without a mark. */
function folderOf({ settings }: Session, { mark }: HostMachine): string {
  return typeof mark === 'object' ? machineFolder(settings, mark) : '';
}

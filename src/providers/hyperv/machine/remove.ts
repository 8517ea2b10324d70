import { readMark } from '../../../lifecycle/mark.ts';
import * as removing from '../api/commands/removing.ts';
import { isUnder } from '../api/paths.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { filesOf, mergeCheckpoints, mergedFiles } from './checkpoints.ts';
import { dataFiles } from './data-disks.ts';
import { allPlaces, machineFolder } from './disk.ts';
import { type HostMachine, isGone, nameOf, ownOf, readDetails } from './list.ts';
import { cutPower, withState } from './power.ts';
import { seedPlace } from './seed-place.ts';
import { ask, type Session } from './session.ts';
import { checkUsers } from './users.ts';

/** Removes the machine; one that is removed in Hyper-V meanwhile leaves the files that were made for it. */
export async function removeMachine(session: Session, machine: HostMachine): Promise<void> {
  try {
    await removeStepwise(session, machine);
  } catch (thrown) {
    if (!isFromPowerShell(thrown) || !(await isGone(session, machine.remoteId))) throw thrown;
    await eraseLeft(session, machine);
  }
}

/**
 * Power, checkpoints, disks, machine, in this order: until the last step the machine is there with
 * its mark, so that another call can finish what one that was stopped half-way has begun. Nothing is
 * lost, not even what runs, before it is known that its disks are its own.
 */
async function removeStepwise(session: Session, machine: HostMachine): Promise<void> {
  const before = await readDetails(session, machine);
  const data = await dataFilesOf(session, machine);
  await checkUsers(session, machine, [...changedBy(session, machine, before), ...data]);
  await cutPower(session, withState(machine, before.state));
  const own = await filesWithoutCheckpoints(session, machine, before);
  const files = [...new Set([...own, ...data, ...seedOf(session, machine)])];
  // Its folder goes last, when the machine has taken its own files out of it.
  await ask(session, removing.erase, { files, folder: '' }, { paths: files });
  await takeOut(session, machine);
  await ask(session, removing.erase, { files: [], folder: folderOf(session, machine) });
  session.context.log('machine.removed', { machine: machine.remoteId, files });
}

/** The files that are deleted with a machine, or changed by the merge of its checkpoints. */
export function changedBy(
  session: Session,
  machine: HostMachine,
  details: Details,
): readonly string[] {
  const { disks, snapshots } = details;
  const all = disks.map(({ path }) => path);
  const changed = snapshots.length > 0 ? all : all.filter((path) => isInside(session, path));
  return [...new Set([...changed, ...mergedFiles(details), ...placesOf(session, machine)])];
}

/** Its files in the folder for disks, when its checkpoints are gone. */
async function filesWithoutCheckpoints(
  session: Session,
  machine: HostMachine,
  before: Details,
): Promise<readonly string[]> {
  const details = await mergeCheckpoints(session, machine, before);
  const all = await filesOf(session, details);
  const inside = all.filter((path) => isInside(session, path));
  const left = all.filter((path) => !inside.includes(path));
  if (left.length > 0) session.context.log('delete.disks-left', { files: left, level: 'warn' });
  const files = [...new Set([...inside, ...placesOf(session, machine)])];
  // A merge takes long, and may have ended in other files.
  if (details !== before) await checkUsers(session, machine, files);
  return files;
}

function isInside({ settings }: Session, path: string): boolean {
  return isUnder(path, settings.vhd_path);
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
  const disks = [...placesOf(session, machine), ...(await dataFilesOf(session, machine))];
  await checkUsers(session, machine, disks);
  const files = [...disks, ...seedOf(session, machine)];
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

function placesOf({ settings }: Session, machine: HostMachine): readonly string[] {
  return allPlaces(settings, { name: nameOf(machine), remoteId: machine.remoteId });
}

/** Its data disks, detached ones too; none for a machine without a mark, which no instance can be told by. */
async function dataFilesOf(session: Session, { mark }: HostMachine): Promise<readonly string[]> {
  return typeof mark === 'object' ? dataFiles(session, mark.uuid) : [];
}

/** The image with the data for its guest goes with it. */
function seedOf({ settings }: Session, machine: HostMachine): readonly string[] {
  const place = seedPlace(settings, machine);
  return place === '' ? [] : [place];
}

/** Empty, which leaves every folder alone, for a machine without a mark. */
function folderOf({ settings }: Session, { mark }: HostMachine): string {
  return typeof mark === 'object' ? machineFolder(settings, mark) : '';
}

import type { DiskDriver } from '../../../contract/disk.ts';
import { expectFailure, Failure, reworded } from '../../../failure.ts';
import * as commands from '../api/commands/disks.ts';
import * as making from '../api/commands/making.ts';
import * as removing from '../api/commands/removing.ts';
import { isSamePath } from '../api/paths.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { gib, tooSmall } from '../blueprint.ts';
import {
  hasForeignSnapshots,
  inBackup,
  isMerging,
  isUnmerged,
  ownSnapshots,
} from '../machine/checkpoints.ts';
import { type DataDisk, dataPlace, readDisks, slotOf } from '../machine/data-disks.ts';
import { type HostMachine, nameOf, ownOf, readDetails } from '../machine/list.ts';
import { ask, noId, refused, type Session, withDeadline } from '../machine/session.ts';
import { refuseUsers, usersOf } from '../machine/users.ts';

/** Disks on the SCSI controller, which takes them while a machine runs in both generations. */
export function disks(session: Session): DiskDriver<HostMachine, DataDisk> {
  const at = (step: { readonly deadline: Session['deadline'] }): Session =>
    withDeadline(session, step.deadline);
  /** As it was listed last; the instance's lock keeps every other call of ours away. */
  let details: Details | undefined;
  const detailsOf = async (now: Session, machine: HostMachine): Promise<Details> => {
    details ??= await readDetails(now, machine);
    return details;
  };
  return {
    async list(machine, step) {
      const read = await readDisks(at(step), machine, step.instance.uuid);
      details = read.details;
      return { disks: read.disks };
    },
    async add(machine, { number, sizeGb }, _now, { undo, ...step }) {
      const name = nameOf(machine);
      const path = dataPlace(session.settings, { name, uuid: step.instance.uuid }, number);
      undo.add(`remove the new disk of ${name}`, (deadline) =>
        removeFile(withDeadline(session, deadline), machine, path),
      );
      const bytes = sizeGb * gib;
      await ask(at(step), making.disk, { path, parent: '', bytes }, { paths: [path] });
      const slot = await plug(at(step), machine, path);
      return { name: `data-${number}`, number, path, slot, sizeBytes: bytes };
    },
    async detach(machine, { path }, _now, step) {
      refuseCheckpoints(await detailsOf(at(step), machine));
      await ask(at(step), commands.unplug, { ...ownOf(machine), path }, { paths: [path] });
    },
    async attach(machine, disk, _now, step) {
      return { ...disk, slot: await plug(at(step), machine, disk.path, disk.slot) };
    },
    async remove(machine, { path }, _now, step) {
      refuseUsers(await usersOf(at(step), noId, [path]), nameOf(machine));
      await ask(at(step), removing.erase, { files: [path], folder: '' }, { paths: [path] });
    },
    async resize(machine, { path, slot = '' }, sizeGb, step) {
      const now = await detailsOf(at(step), machine);
      refuseGrowing(now, slot);
      const grown = await grow(at(step), path, sizeGb * gib).catch((thrown: unknown) => {
        throw isUnmerged(now) && isFromPowerShell(thrown)
          ? unmerged(expectFailure(thrown))
          : thrown;
      });
      if (grown.before > sizeGb * gib) throw tooSmall(sizeGb, grown.before);
    },
  };
}

/** Connects a disk; an error of Hyper-V does not count where the disk is connected afterwards. */
async function plug(
  session: Session,
  machine: HostMachine,
  path: string,
  slot = '',
): Promise<string> {
  const [, number = '0', location = '-1'] = /^SCSI (\d+):(\d+)$/.exec(slot) ?? [];
  const place = { number: Number(number), location: Number(location) };
  const given = { ...ownOf(machine), path, ...place };
  try {
    const connected = await ask(session, commands.plug, given, { paths: [path] });
    return slotOf({ controller: 'SCSI', ...connected });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const { disks: now } = await readDetails(session, machine);
    const there = now.find((disk) => isSamePath(disk.path, path));
    if (there === undefined) throw thrown;
    return slotOf(there);
  }
}

/** Takes away a disk that was made a moment ago, connected or not. */
async function removeFile(session: Session, machine: HostMachine, path: string): Promise<void> {
  await ask(session, commands.unplug, { ...ownOf(machine), path }, { paths: [path] });
  await ask(session, removing.erase, { files: [path], folder: '' }, { paths: [path] });
}

/** Its checkpoints go on with the file that is connected: without it, the disk would be another one. */
function refuseCheckpoints(details: Details): void {
  if (ownSnapshots(details).length > 0) {
    throw refused(
      'conflict',
      'A disk cannot be detached while the instance has snapshots: delete them first',
    );
  }
  if (hasForeignSnapshots(details)) throw inBackup();
  if (isMerging(details) || isUnmerged(details)) throw merging();
}

function refuseGrowing(details: Details, slot: string): void {
  if (ownSnapshots(details).length > 0) {
    throw refused('conflict', 'A disk with snapshots cannot grow: delete them first');
  }
  if (hasForeignSnapshots(details)) throw inBackup();
  if (isMerging(details)) throw merging();
  if (slot.startsWith('IDE') && details.state !== 'Off') {
    throw refused(
      'conflict',
      'The disk of a generation 1 machine can grow only while it is stopped',
    );
  }
}

function merging(): Failure {
  return refused('conflict', 'The disk is still being merged with its snapshots: try again later');
}

/** Grows the disk; an error of Hyper-V does not count when the disk has the size afterwards. */
async function grow(session: Session, path: string, bytes: number) {
  const paths = [path];
  try {
    return await ask(session, making.grow, { path, bytes }, { paths });
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    const now = await ask(session, making.grow, { path, bytes: 0 }, { paths });
    if (now.size < bytes) throw thrown;
    return { ...now, before: 0 };
  }
}

/** The disk goes on in the file of a checkpoint that is gone, which Hyper-V may refuse to make larger. */
function unmerged(failure: Failure): Failure {
  return reworded(failure, {
    advice:
      'Its disk goes on in the file of a checkpoint that is gone and was never merged, as a backup that failed may leave it: merge it with the machine off (Edit Disk in Hyper-V Manager) and connect the disk that this makes',
    tenant: 'The disk of this instance cannot grow before an administrator has merged its parts',
  });
}

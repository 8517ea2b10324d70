import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import * as allMachines from '../api/commands/all-machines.ts';
import * as changing from '../api/commands/changing.ts';
import type { Details } from '../api/wire.ts';
import { type HostMachine, nameOf, ownOf, readDetails } from './list.ts';
import { ask, type Session } from './session.ts';

/*
 * Checkpoints and the files that they keep the disks in. Hyper-V merges those files some time after a
 * checkpoint is gone, and now and then never: what a backup has left may stay for good.
 */

type Snapshots = Details['snapshots'];

/** The checkpoints that are the tenant's; those of backups and of Hyper-V Replica are not. */
export function ownSnapshots({ snapshots }: Pick<Details, 'snapshots'>): Snapshots {
  return snapshots.filter(({ type }) => type === 'Standard');
}

export function hasForeignSnapshots({ snapshots }: Pick<Details, 'snapshots'>): boolean {
  return snapshots.some(({ type }) => type !== 'Standard');
}

/** A checkpoint that a backup or a replication has made, and needs for as long as it goes on. */
export function inBackup(): Failure {
  const sentence = 'A backup of the instance is being made, or has left a checkpoint behind';
  return new Failure('conflict', sentence, {
    advice:
      'Try again when the backup is over; one that stays although no backup goes on is listed by Get-VMSnapshot with a type that is not Standard',
    tenant: `${sentence}: try again later`,
  });
}

/** Whether Hyper-V works on the machine's files right now. */
export function isMerging({ busy }: Pick<Details, 'busy'>): boolean {
  return busy.some((status) => atWork.test(status));
}

const atWork = /^((Applying|Creating|Deleting)Snapshot|WaitingToStart|MergingDisks)$/;

/** Whether a disk goes on in the file of a checkpoint that is no longer there. */
export function isUnmerged({ snapshots, disks }: Pick<Details, 'snapshots' | 'disks'>): boolean {
  return snapshots.length === 0 && disks.some(({ path }) => checkpointFile.test(path));
}

const checkpointFile = /\.avhdx?$/i;

/** A merge that has not begun after this long is not going to. */
const quietMs = 5000;

/**
 * The machine after all its checkpoints are gone and their disks merged, which Hyper-V does later.
 * Disks that it does not merge stay as they are. The details are those given where there was nothing to do.
 */
export async function mergeCheckpoints(
  session: Session,
  machine: HostMachine,
  before: Details,
): Promise<Details> {
  if (before.snapshots.length > 0) {
    if (hasForeignSnapshots(before)) {
      session.context.log('checkpoints.of-backup', { machine: machine.remoteId, level: 'warn' });
    }
    const all = { order: 'remove', snapshot: '', name: '', type: '' } as const;
    await ask(session, changing.checkpoint, { ...ownOf(machine), ...all });
  } else if (!isMerging(before) && !isUnmerged(before)) {
    return before;
  }
  const doing = `waiting for the checkpoints of ${nameOf(machine)} to be merged`;
  let quietSinceMs: number | undefined;
  return poll(session.deadline, doing, async () => {
    const details = await readDetails(session, machine);
    if (details.snapshots.length > 0 || isMerging(details)) quietSinceMs = undefined;
    else if (!isUnmerged(details)) return details;
    else quietSinceMs ??= performance.now();
    if (quietSinceMs === undefined || performance.now() - quietSinceMs < quietMs) return undefined;
    session.context.log('checkpoints.unmerged', { machine: machine.remoteId, level: 'warn' });
    return details;
  });
}

/**
 * The files that merges of the machine's checkpoints change or remove: those that the checkpoints keep, and the
 * disks that all of it ends in, which Hyper-V names their files after.
 */
export function mergedFiles({
  disks,
  checkpointDisks,
}: Pick<Details, 'disks' | 'checkpointDisks'>): readonly string[] {
  const bases = disks
    .filter(({ path }) => checkpointFile.test(path))
    .map(({ path }) => path.replace(/_[0-9a-f-]{36}\.a(vhdx?)$/i, '.$1'));
  return [...bases, ...checkpointDisks];
}

/** All files of a machine's disks without checkpoints; a disk that was not merged has several. */
export async function filesOf(
  session: Session,
  { disks }: Pick<Details, 'disks'>,
): Promise<readonly string[]> {
  const files: string[] = [];
  for (const { path } of disks) {
    if (!checkpointFile.test(path)) files.push(path);
    else files.push(...(await ask(session, allMachines.chain, { path })).files);
  }
  return files;
}

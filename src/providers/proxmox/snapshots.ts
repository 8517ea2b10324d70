import type { Outcome } from '../../contract/action.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';
import { disksOf } from './disks.ts';
import { show } from './find.ts';
import type { Machine } from './machine.ts';
import { takeBuilt } from './operations.ts';
import type { Rig } from './rig.ts';
import { checkStorage } from './room.ts';
import { readSnapshots, removeSnapshot, type Snapshot, saveSnapshot } from './snapshot-tasks.ts';
import { survey } from './survey.ts';

export interface NewSnapshot {
  readonly snap_name: string;
  readonly snap_description: string | undefined;
  readonly snap_save_memory: boolean;
}

/** Names that are nobody's to give. */
const reserved = new Set(['current', 'pending']);

export async function listSnapshots(rig: Rig, instance: Instance): Promise<Outcome> {
  const snapshots = await readSnapshots(rig, await show(rig, instance));
  return {
    message: snapshots.length === 0 ? 'There are no snapshots' : `Snapshots: ${snapshots.length}`,
    rows: snapshots.map(({ name, description, createdAt, memory }) => ({
      name,
      created: createdAt,
      memory,
      description,
    })),
  };
}

export async function createSnapshot(
  rig: Rig,
  instance: Instance,
  wanted: NewSnapshot,
): Promise<Outcome> {
  const { snap_name: name, snap_description: description, snap_save_memory: memory } = wanted;
  const machine = await takeBuilt(rig, instance);
  checkLimits(rig, await readSnapshots(rig, machine), wanted);
  await checkSpace(rig, machine);
  await withUndo(rig.context, (undo) =>
    saveSnapshot(rig, machine, undo, {
      snapname: name,
      ...(description === undefined ? {} : { description }),
      ...(memory ? { vmstate: 1 } : {}),
    }),
  );
  return { message: `Snapshot ${name} was made` };
}

export async function deleteSnapshot(rig: Rig, instance: Instance, name: string): Promise<Outcome> {
  const machine = await takeBuilt(rig, instance);
  pickSnapshot(await readSnapshots(rig, machine), name);
  await removeSnapshot(rig, machine, name);
  return { message: `Snapshot ${name} was removed` };
}

export function pickSnapshot(snapshots: readonly Snapshot[], name: string): Snapshot {
  const found = snapshots.find((each) => each.name === name);
  if (found === undefined) throw refused('not-found', `There is no snapshot ${name}`);
  return found;
}

function checkLimits(
  { settings }: Rig,
  snapshots: readonly Snapshot[],
  { snap_name: name, snap_save_memory: memory }: NewSnapshot,
): void {
  const { max_snapshots: most, snapshot_memory } = settings;
  if (reserved.has(name.toLowerCase()))
    throw refused('usage', `A snapshot cannot be called ${name}`);
  if (snapshots.some((each) => each.name === name)) {
    throw refused('conflict', `There is a snapshot ${name} already`);
  }
  if (snapshots.length >= most) {
    throw refused('conflict', `The instance has ${snapshots.length} of at most ${most} snapshots`);
  }
  if (memory && !snapshot_memory) {
    throw refused('denied', 'Snapshots with memory are not allowed here');
  }
}

/** A pool that is full stops every machine on it, so that snapshots leave a floor free. */
async function checkSpace(rig: Rig, { node, config }: Machine): Promise<void> {
  const { storages } = await survey(rig);
  for (const storage of new Set(disksOf(config).map((disk) => disk.storage))) {
    checkStorage(rig.settings, storages, { node, storage, sizeBytes: 0 });
  }
}

/** About the tenant's own instance and limits only, so that anyone may read it. */
export function refused(kind: Failure['kind'], sentence: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { checkStorage } from '../machine/capacity.ts';
import { survey } from '../machine/cluster-resources.ts';
import { disksOf } from '../machine/disks.ts';
import { show } from '../machine/find.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';
import { takeBuilt } from './handlers.ts';
import { readSnapshots, removeSnapshot, type Snapshot, saveSnapshot } from './snapshot-tasks.ts';

export interface NewSnapshot {
  readonly snap_name: string;
  readonly snap_description: string | undefined;
  readonly snap_save_memory: boolean;
}

/** Names that are nobody's to give. */
const reserved = new Set(['current', 'pending']);

export async function listSnapshots(session: Session, instance: Instance): Promise<Outcome> {
  const snapshots = await readSnapshots(session, await show(session, instance));
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
  session: Session,
  instance: Instance,
  wanted: NewSnapshot,
): Promise<Outcome> {
  const { snap_name: name, snap_description: description, snap_save_memory: memory } = wanted;
  const machine = await takeBuilt(session, instance);
  checkLimits(session, await readSnapshots(session, machine), wanted);
  await checkSpace(session, machine);
  await withUndo(session.context, (undo) =>
    saveSnapshot(session, machine, undo, {
      snapname: name,
      ...(description === undefined ? {} : { description }),
      ...(memory ? { vmstate: 1 } : {}),
    }),
  );
  return { message: `Snapshot ${name} was made` };
}

export async function deleteSnapshot(
  session: Session,
  instance: Instance,
  name: string,
): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  pickSnapshot(await readSnapshots(session, machine), name);
  await removeSnapshot(session, machine, name);
  return { message: `Snapshot ${name} was removed` };
}

export function pickSnapshot(snapshots: readonly Snapshot[], name: string): Snapshot {
  const found = snapshots.find((each) => each.name === name);
  if (found === undefined) throw refused('not-found', `There is no snapshot ${name}`);
  return found;
}

function checkLimits(
  { settings }: Session,
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
async function checkSpace(session: Session, { node, config }: Machine): Promise<void> {
  const { storages } = await survey(session);
  for (const storage of new Set(disksOf(config).map((disk) => disk.storage))) {
    checkStorage(session.settings, storages, { node, storage, sizeBytes: 0 });
  }
}

/** About the tenant's own instance and limits only, so that anyone may read it. */
export function refused(kind: Failure['kind'], sentence: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

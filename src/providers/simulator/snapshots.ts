import type { Outcome } from '../../contract/action.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { show, take } from './find.ts';
import { isRunning, type Machine, type Snapshot } from './machine.ts';
import { alone } from './power.ts';
import type { Rig } from './script.ts';

export interface NewSnapshot {
  readonly snap_name: string;
  readonly snap_description: string | undefined;
  readonly snap_save_memory: boolean;
}

export async function listSnapshots(rig: Rig, instance: Instance): Promise<Outcome> {
  const { snapshots } = show(rig, instance);
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

export function createSnapshot(
  rig: Rig,
  instance: Instance,
  { snap_name: name, snap_description: description = '', snap_save_memory }: NewSnapshot,
): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    checkLimits(rig, machine, name, snap_save_memory);
    await rig.task(`saving snapshot ${name}`);
    const memory = snap_save_memory && isRunning(machine);
    rig.store.write({
      ...machine,
      snapshots: [...machine.snapshots, snapshotOf(machine, { name, description, memory })],
    });
    return { message: `Snapshot ${name} was made${memory ? ' with the memory' : ''}` };
  });
}

/**
 * Only what is on the disk comes back: NICs, size and mark stay today's, since the network of that
 * day may be somebody else's by now. The machine runs afterwards if it ran before.
 */
export function restoreSnapshot(rig: Rig, instance: Instance, name: string): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    const { diskContent } = pick(machine, name);
    await rig.task(`restoring snapshot ${name}`);
    const boots = isRunning(machine) ? machine.boots + 1 : machine.boots;
    rig.store.write({ ...machine, diskContent, boots, power: isRunning(machine) ? 'on' : 'off' });
    return { message: `Snapshot ${name} was restored` };
  });
}

export function deleteSnapshot(rig: Rig, instance: Instance, name: string): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    const gone = pick(machine, name);
    await rig.task(`removing snapshot ${name}`);
    rig.store.write({ ...machine, snapshots: machine.snapshots.filter((each) => each !== gone) });
    return { message: `Snapshot ${name} was removed` };
  });
}

function checkLimits({ settings }: Rig, machine: Machine, name: string, memory: boolean): void {
  const { max_snapshots: most, snapshot_memory } = settings;
  if (machine.snapshots.some((each) => each.name === name)) {
    throw refused('conflict', `There is a snapshot ${name} already`);
  }
  if (machine.snapshots.length >= most) {
    throw refused(
      'conflict',
      `The instance has ${machine.snapshots.length} of at most ${most} snapshots`,
    );
  }
  if (memory && !snapshot_memory) {
    throw refused('denied', 'Snapshots with memory are not allowed here');
  }
}

function pick({ snapshots }: Machine, name: string): Snapshot {
  const found = snapshots.find((each) => each.name === name);
  if (found === undefined) throw refused('not-found', `There is no snapshot ${name}`);
  return found;
}

/** About the tenant's own instance and limits only, so that anyone may read it. */
function refused(kind: 'conflict' | 'denied' | 'not-found', sentence: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

function snapshotOf(
  { cpus, memoryBytes, nics, description, diskContent }: Machine,
  about: Pick<Snapshot, 'name' | 'description' | 'memory'>,
): Snapshot {
  return {
    ...about,
    createdAt: new Date().toISOString(),
    diskContent,
    configuration: { cpus, memoryBytes, nics, description },
  };
}

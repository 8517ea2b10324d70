import type { Outcome } from '../contract/action.ts';
import type { Step } from '../contract/context.ts';
import type { Instance } from '../contract/instance.ts';
import type { Machine } from '../contract/machine.ts';
import type { NewSnapshot, Snapshot, SnapshotDriver } from '../contract/snapshot.ts';
import { Failure, type FailureKind, reworded } from '../failure.ts';
import { withUndo } from '../kit/undo.ts';
import type { AnyRun } from './actions.ts';
import { exclusively, show, take } from './certain.ts';
import { type Life, stepOf } from './find.ts';
import { isUp } from './start.ts';

/* The four custom actions about snapshots; the definitions stand in snapshot-actions.ts. */

interface SnapshotLife extends Life {
  readonly snapshots: SnapshotDriver;
}

export function runSnapshotAction(
  life: SnapshotLife,
  name: string,
  { instance, parameters }: Pick<AnyRun, 'instance' | 'parameters'>,
): Promise<Outcome> {
  const named = String(parameters['snap_name']);
  if (name === 'ListSnapshots') return listSnapshots(life, instance);
  if (name === 'RestoreSnapshot') return restoreSnapshot(life, instance, named);
  if (name === 'DeleteSnapshot') return deleteSnapshot(life, instance, named);
  const { snap_description: description, snap_save_memory: memory } = parameters;
  return createSnapshot(life, instance, {
    name: named,
    description: typeof description === 'string' ? description : undefined,
    memory: memory === true,
  });
}

async function listSnapshots(life: SnapshotLife, instance: Instance): Promise<Outcome> {
  const machine = await show(life, instance);
  const snapshots = await life.snapshots.list(machine, stepOf(life, instance), true);
  return {
    message: snapshots.length === 0 ? 'There are no snapshots' : `Snapshots: ${snapshots.length}`,
    rows: snapshots.map(({ name, created = '', memory, description = '' }) => ({
      ...{ Snapshot: name, Created: created, 'With memory': memory, Description: description },
    })),
    toCopy: 'Snapshot',
  };
}

function createSnapshot(
  life: SnapshotLife,
  instance: Instance,
  wanted: NewSnapshot,
): Promise<Outcome> {
  return exclusively(life, instance, async () => {
    const { driver, context, snapshots } = life;
    const step = stepOf(life, instance);
    const machine = await take(life, instance);
    refuseBeyondLimits(life, await snapshots.list(machine, step), wanted);
    const withMemory = wanted.memory && isUp(await driver.state(machine, 'use', context.deadline));
    await withUndo(context, (undo) => snapshots.take(machine, wanted, { ...step, undo }));
    return { message: `Snapshot ${wanted.name} was made${withMemory ? ' with the memory' : ''}` };
  });
}

function deleteSnapshot(life: SnapshotLife, instance: Instance, name: string): Promise<Outcome> {
  return exclusively(life, instance, async () => {
    const step = stepOf(life, instance);
    const machine = await take(life, instance);
    const snapshot = pick(await life.snapshots.list(machine, step), name);
    await life.snapshots.remove(machine, snapshot, step);
    return { message: `Snapshot ${name} was removed` };
  });
}

/**
 * Puts the disks back and nothing else: NICs, size and mark stay today's, since the network of that
 * day may be another instance's by now. The machine runs afterwards if it ran before.
 */
function restoreSnapshot(life: SnapshotLife, instance: Instance, name: string): Promise<Outcome> {
  return exclusively(life, instance, async () => {
    const { driver, context, snapshots } = life;
    const step = stepOf(life, instance);
    const machine = await take(life, instance);
    const snapshot = pick(await snapshots.list(machine, step), name);
    const ran = isUp(await driver.state(machine, 'use', context.deadline));
    const why = await snapshots.unrestorable?.(machine, snapshot, { ...step, ran });
    if (why !== undefined) throw refused('conflict', why);
    await putBack(life, machine, snapshot, { ...step, ran });
    return { message: `Snapshot ${name} was restored` };
  });
}

interface Restoring extends Step {
  readonly ran: boolean;
}

async function putBack(
  life: SnapshotLife,
  machine: Machine,
  snapshot: Snapshot,
  { ran, ...step }: Restoring,
): Promise<void> {
  const { context, snapshots } = life;
  const keepDisks = await diskKeeper(life, machine, step);
  const ensureOn = async (now: Step): Promise<void> => {
    if (ran) await snapshots.switchOn(machine, now);
  };
  await withUndo(context, async (undo) => {
    undo.add(`bring machine ${machine.remoteId} back to what it was`, async (deadline) => {
      await snapshots.keepToday(machine, { ...step, deadline });
      await keepDisks({ ...step, deadline });
      if (snapshots.bootsAfterFailure) await ensureOn({ ...step, deadline });
    });
    await snapshots.restore(machine, snapshot, step);
    await snapshots.keepToday(machine, step);
    await keepDisks(step);
    if (snapshots.bootsAfterFailure) await ensureOn(step);
  }).catch((thrown: unknown) => {
    throw snapshots.bootsAfterFailure ? thrown : leftStopped(Failure.from(thrown), snapshot.name);
  });
  if (!snapshots.bootsAfterFailure) await ensureOn(step);
}

/** Puts data disks back where they are now, after something else has moved them. */
async function diskKeeper(
  { driver }: SnapshotLife,
  machine: Machine,
  step: Step,
): Promise<(now: Step) => Promise<void>> {
  const disks = await driver.disks?.();
  if (disks === undefined) return async () => {};
  const { disks: before } = await disks.list(machine, step);
  return async (now) => (await import('./keep-disks.ts')).keepDisks(disks, machine, before, now);
}

function refuseBeyondLimits(
  { driver: { policy }, snapshots }: SnapshotLife,
  existing: readonly Snapshot[],
  { name, memory }: NewSnapshot,
): void {
  const { maxSnapshots: most = 10, snapshotMemory = false } = policy;
  if (snapshots.reserved?.includes(name.toLowerCase())) {
    throw refused('usage', `A snapshot cannot be called ${name}`);
  }
  if (existing.some((each) => each.name === name)) {
    throw refused('conflict', `There is a snapshot ${name} already`);
  }
  if (existing.length >= most) {
    throw refused('conflict', `The instance has ${existing.length} of at most ${most} snapshots`);
  }
  if (memory && !snapshotMemory) {
    throw refused('denied', 'Snapshots with memory are not allowed here');
  }
}

function pick(snapshots: readonly Snapshot[], name: string): Snapshot {
  const [found, second] = snapshots.filter((snapshot) => snapshot.name === name);
  if (found === undefined) throw refused('not-found', unknown(name, snapshots));
  if (second === undefined) return found;
  throw refused('conflict', `There are several snapshots ${name}, and any of them may be meant`);
}

/** The form of CloudStack offers no list to choose from, so that the answer gives it. */
function unknown(name: string, snapshots: readonly Snapshot[]): string {
  const names = snapshots.slice(0, mostNamed).map((each) => each.name);
  const more = snapshots.length > mostNamed ? ` and ${snapshots.length - mostNamed} more` : '';
  const others = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}${more}`;
  return `There is no snapshot ${name} of this instance; ${others}`;
}

const mostNamed = 20;

/** About the tenant's own instance and limits only, so that any caller may read it. */
function refused(kind: FailureKind, sentence: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

/** Its disks may be those of either day, so that it is not started without the operator's word. */
function leftStopped(failure: Failure, name: string): Failure {
  const sentence = `Snapshot ${name} was not restored, and the instance is stopped now`;
  return reworded(failure, {
    message: `${sentence}: ${failure.message}`,
    advice: `Restore ${name} again, or start the instance as it is. ${failure.advice ?? ''}`.trim(),
    tenant: sentence,
  });
}

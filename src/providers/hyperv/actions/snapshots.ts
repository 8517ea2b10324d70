import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, type Failure, reworded } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import { steps } from '../api/commands.ts';
import type { Details } from '../api/wire.ts';
import { type Found, show, takeBuilt } from '../machine/find.ts';
import {
  checkpointTypes,
  type Hardware,
  isWiredAs,
  reshape,
  rewire,
  wiringOf,
} from '../machine/hardware.ts';
import { notesWith } from '../machine/notes.ts';
import { isOff, isRunning, isSaved, order, powerOf, powerOff } from '../machine/orders.ts';
import { alone, type Rig, refused, within } from '../machine/session.ts';
import { settle } from '../machine/settle.ts';
import { checkMerge } from '../machine/users.ts';

type Snapshot = Details['snapshots'][number];

type Today = Pick<Details, 'notes'> & Hardware;

export async function listSnapshots(rig: Rig, instance: Instance): Promise<Outcome> {
  const { id } = await show(rig, instance);
  const { snapshots } = await rig.host.ask(steps.machine, { id }, { last: true });
  return {
    message: snapshots.length === 0 ? 'There are no snapshots' : `Snapshots: ${snapshots.length}`,
    rows: snapshots.map((snapshot) => ({
      name: snapshot.name,
      created: snapshot.created,
      memory: snapshot.state !== 'Off',
    })),
  };
}

export function createSnapshot(
  rig: Rig,
  instance: Instance,
  wanted: { readonly snapshot_name: string; readonly snap_save_memory: boolean },
): Promise<Outcome> {
  const { snapshot_name: name, snap_save_memory: memory } = wanted;
  return alone(rig, instance, async () => {
    const { id, proof } = await takeBuilt(rig, instance);
    const details = await rig.host.ask(steps.machine, { id });
    checkLimits(rig, details, name, memory);
    const type = memory ? 'Standard' : checkpointTypes[rig.settings.checkpoint_type];
    await settle(
      rig,
      id,
      () =>
        rig.host.ask(
          steps.checkpoint,
          { id, proof, order: 'create', snapshot: '', name, type },
          { once: true },
        ),
      ({ snapshots }) => snapshots.some((snapshot) => snapshot.name === name),
    );
    const withMemory = memory && powerOf(details.state) === 'on';
    return { message: `Snapshot ${name} was made${withMemory ? ' with the memory' : ''}` };
  });
}

/**
 * Only what is on the disks comes back, and the memory where nothing else has changed: network
 * adapters, size and mark stay today's, since the network of that day may be somebody else's by
 * now. The machine runs afterwards if it ran before.
 */
export function restoreSnapshot(rig: Rig, instance: Instance, name: string): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    const { id, proof } = found;
    const details = await rig.host.ask(steps.machine, { id });
    const snapshot = pick(details, name);
    const today = { ...details, wiring: wiringOf(details) };
    const ran = powerOf(today.state) === 'on';
    await powerOff(rig, { ...found, state: today.state }, 'hard');
    const which = { order: 'restore', snapshot: snapshot.id, name: '', type: '' } as const;
    await withUndo(rig.context, async (undo) => {
      // Whatever comes of it: the settings of that day may be back.
      undo.add(`put back the NICs, size and mark of ${found.name}`, (margin) =>
        putBack(within(rig, margin), found, today, false),
      );
      await rig.host.ask(steps.checkpoint, { id, proof, ...which });
      await putBack(rig, found, today, ran);
    }).catch((thrown: unknown) => {
      throw leftStopped(thrown, name);
    });
    if (ran) await order(rig, found, 'start', isRunning);
    return { message: `Snapshot ${name} was restored` };
  });
}

/** Nobody knows which disks it would start from. */
function leftStopped(thrown: unknown, name: string): Failure {
  const failure = expectFailure(thrown);
  const sentence = `Snapshot ${name} was not restored, and the instance is stopped now`;
  return reworded(failure, {
    message: `${sentence}: ${failure.message}`,
    advice: `Restore ${name} again, or start the instance as it is. ${failure.advice ?? ''}`.trim(),
    tenant: sentence,
  });
}

/** Mark, adapters and size as they were a moment ago. */
async function putBack(
  rig: Rig,
  found: Found,
  { cpus, memory, minimum, notes, wiring }: Today,
  keepMemory: boolean,
): Promise<void> {
  const { host } = rig;
  const { id } = found;
  // A checkpoint from before the machine was marked takes the mark away, so that it proves nothing.
  await host.ask(steps.notes, { id, proof: '', notes: notesWith(notes, found.mark) });
  const now = await host.ask(steps.machine, { id });
  const same = now.cpus === cpus && now.memory === memory && isWiredAs(now.adapters, wiring);
  if (isSaved(now.state) && keepMemory && same) return;
  if (isSaved(now.state)) await order(rig, found, 'forget', isOff);
  await reshape(rig, found, { cpus, memory, minimum });
  await rewire(rig, found, now.adapters, wiring);
}

export function deleteSnapshot(rig: Rig, instance: Instance, name: string): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    const { id, proof } = found;
    const details = await rig.host.ask(steps.machine, { id });
    const snapshot = pick(details, name);
    await checkMerge(rig, found, details);
    const which = { order: 'remove', snapshot: snapshot.id, name: '', type: '' } as const;
    await settle(
      rig,
      id,
      () => rig.host.ask(steps.checkpoint, { id, proof, ...which }),
      ({ snapshots }) => snapshots.every((each) => each.id !== snapshot.id),
    );
    return { message: `Snapshot ${name} was removed` };
  });
}

function checkLimits(
  { settings }: Rig,
  { snapshots }: Details,
  name: string,
  memory: boolean,
): void {
  const { max_snapshots: most, snapshot_memory } = settings;
  if (snapshots.some((snapshot) => snapshot.name === name)) {
    throw refused('conflict', `There is a snapshot ${name} already`);
  }
  if (snapshots.length >= most) {
    throw refused('conflict', `The instance has ${snapshots.length} of at most ${most} snapshots`);
  }
  if (memory && !snapshot_memory) {
    throw refused('denied', 'Snapshots with memory are not allowed here');
  }
}

function pick({ snapshots }: Details, name: string): Snapshot {
  const [found, second] = snapshots.filter((snapshot) => snapshot.name === name);
  if (found === undefined) throw refused('not-found', `There is no snapshot ${name}`);
  if (second !== undefined) {
    throw refused(
      'conflict',
      `There are several snapshots ${name}: nobody can say which one is meant`,
    );
  }
  return found;
}

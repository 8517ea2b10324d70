import type { Step } from '../../../contract/context.ts';
import type { Snapshot, SnapshotDriver } from '../../../contract/snapshot.ts';
import * as changing from '../api/commands/changing.ts';
import { snapshotDisks } from '../api/commands/disks.ts';
import * as reading from '../api/commands/reading.ts';
import type { Details } from '../api/wire.ts';
import { isMerging, ownSnapshots } from '../machine/checkpoints.ts';
import { numberIn } from '../machine/data-disks.ts';
import { isWiredAs, whyNotWired, wiringOf } from '../machine/hardware.ts';
import { type HostMachine, ownOf, readDetails } from '../machine/list.ts';
import { notesWith } from '../machine/mark.ts';
import { changePower, cutPower, withState } from '../machine/power.ts';
import { changedBy } from '../machine/remove.ts';
import { ask, type Session, withDeadline } from '../machine/session.ts';
import { settle } from '../machine/settle.ts';
import { checkpointTypes, reshape, rewire } from '../machine/shape.ts';
import { isOff, isRunning, isSaved, stateOf } from '../machine/state.ts';
import { checkUsers } from '../machine/users.ts';

/** Checkpoints: a restored one brings that day's name, notes, size and adapters with it. */
export function snapshots(session: Session): SnapshotDriver<HostMachine> {
  const at = ({ deadline }: Step): Session => withDeadline(session, deadline);
  /** As the lifecycle's list found the machine, which is how a restore leaves it. */
  let today: Details | undefined;
  /** Only until something else has failed: the memory belongs to the checkpoint that was restored. */
  let keepsMemory = false;
  const detailsOf = async (machine: HostMachine, step: Step): Promise<Details> => {
    today ??= await readDetails(at(step), machine);
    return today;
  };
  return {
    bootsAfterFailure: false,
    async list({ remoteId: id }, step, last = false) {
      // Where nothing is asked after it, the PowerShell there may end by itself.
      today = await ask(at(step), reading.machine, { id }, { last });
      return ownSnapshots(today).map(toSnapshot);
    },
    async take(machine, { name, memory }, step) {
      const type = memory ? 'Standard' : checkpointTypes[session.settings.checkpoint_type];
      const given = { ...ownOf(machine), order: 'create', snapshot: '', name, type } as const;
      await settle(
        at(step),
        machine,
        () => ask(at(step), changing.checkpoint, given, { once: true }),
        (now) => ownSnapshots(now).some((snapshot) => snapshot.name === name),
      );
    },
    async remove(machine, snapshot, step) {
      const details = await detailsOf(machine, step);
      await checkUsers(at(step), machine, changedBy(at(step), machine, details));
      const { id } = snapshot;
      await settle(
        at(step),
        machine,
        () => ask(at(step), changing.checkpoint, checkpoint(machine, 'remove', snapshot)),
        (now) => now.snapshots.every((each) => each.id !== id),
      );
    },
    async unrestorable(machine, snapshot, step) {
      const details = await detailsOf(machine, step);
      if (isMerging(details)) return 'Its disks are still being merged: try again later';
      const { uuid } = step.instance;
      return whyNotWired(details) ?? whyYounger(at(step), { machine, snapshot, uuid, details });
    },
    async restore(machine, snapshot, step) {
      const { state } = await detailsOf(machine, step);
      await cutPower(at(step), withState(machine, state));
      await ask(at(step), changing.checkpoint, checkpoint(machine, 'restore', snapshot));
      const before = stateOf(state);
      keepsMemory = before === 'on' || before === 'paused';
    },
    async keepToday(machine, step) {
      const keep = keepsMemory;
      keepsMemory = false;
      await putBack(at(step), machine, await detailsOf(machine, step), keep);
    },
    switchOn: (machine, step) => changePower(at(step), machine, 'start', isRunning),
  };
}

interface Younger {
  readonly machine: HostMachine;
  readonly snapshot: Snapshot;
  readonly uuid: string;
  readonly details: Details;
}

/**
 * A disk that this checkpoint does not know leaves the machine, and is connected again afterwards. Where
 * another checkpoint builds on its file, writing to it would spoil that one.
 */
async function whyYounger(
  session: Session,
  { machine, snapshot, uuid, details }: Younger,
): Promise<string | undefined> {
  const numberOf = ({ path }: { readonly path: string }) => numberIn(path, uuid);
  const data = details.disks.map(numberOf).filter((number) => number !== undefined);
  if (data.length === 0 || details.snapshots.length < 2) return undefined;
  const { disks } = await ask(session, snapshotDisks, { id: machine.remoteId });
  const there = new Set(disks.filter((d) => d.snapshot === snapshot.id).map(numberOf));
  const elsewhere = new Set(disks.filter((d) => d.snapshot !== snapshot.id).map(numberOf));
  const [number] = data.filter((each) => !there.has(each) && elsewhere.has(each));
  if (number === undefined) return undefined;
  return `Disk data-${number} is younger than the snapshot, and in another one: delete that one first`;
}

function toSnapshot({ id, name, created, state }: Details['snapshots'][number]): Snapshot {
  return { id, name, created: new Date(created), memory: state !== 'Off' };
}

function checkpoint(machine: HostMachine, order: 'remove' | 'restore', { id = '' }: Snapshot) {
  return { ...ownOf(machine), order, snapshot: id, name: '', type: '' };
}

/** Mark, adapters and size as they were; saved memory stays only where nothing else has changed. */
async function putBack(
  session: Session,
  machine: HostMachine,
  today: Details,
  keepMemory: boolean,
): Promise<void> {
  const { cpus, memory, minimum } = today;
  const wiring = wiringOf(today);
  // A checkpoint from before the machine was marked takes the mark away, so that it proves nothing.
  const own = { id: machine.remoteId, proof: '', unmarked: false };
  await ask(session, changing.notes, { ...own, notes: notesOf(today, machine) });
  const now = await readDetails(session, machine);
  const same = now.cpus === cpus && now.memory === memory && isWiredAs(now.adapters, wiring);
  if (isSaved(now.state) && keepMemory && same) return;
  if (isSaved(now.state)) await changePower(session, machine, 'forget', isOff);
  await reshape(session, machine, { cpus, memory, minimum });
  await rewire(session, machine, now.adapters, wiring);
}

function notesOf({ notes }: Details, { mark }: HostMachine): string {
  return typeof mark === 'object' ? notesWith(notes, mark) : notes;
}

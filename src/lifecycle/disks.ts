import type { Outcome } from '../contract/action.ts';
import type { Step } from '../contract/context.ts';
import type { Disk, DiskDriver, Disks } from '../contract/disk.ts';
import type { Instance } from '../contract/instance.ts';
import type { Machine } from '../contract/machine.ts';
import { withUndo } from '../kit/undo.ts';
import type { AnyRun } from './actions.ts';
import { exclusively, show, take } from './certain.ts';
import { freeNumber } from './data-disks.ts';
import { alreadyLarger, pick, refused, refuseLimit, refuseNumber } from './disk-refusals.ts';
import { type Life, stepOf } from './find.ts';
import { changedDisks, guarded } from './refusals.ts';

/* The custom actions about disks; the definitions stand in disk-actions.ts. */

export interface DiskLife extends Life {
  readonly disks: DiskDriver;
}

const gib = 1024 ** 3;

export function runDiskAction(
  life: DiskLife,
  name: string,
  { instance, parameters }: Pick<AnyRun, 'instance' | 'parameters'>,
): Promise<Outcome> {
  const { disk, storage, size_gb } = parameters;
  const [named, place] = [disk, storage].map((text) =>
    typeof text === 'string' ? text : undefined,
  );
  const sizeGb = Number(size_gb);
  if (name === 'ListDisks') return listDisks(life, instance);
  return exclusively(life, instance, async () => {
    const machine = await take(life, instance);
    const call: Call = { life, instance, machine, step: stepOf(life, instance) };
    if (name === 'AddDisk') return addDisk(call, sizeGb, place);
    if (name === 'DetachDisk') return detachDisk(call, named);
    if (name === 'AttachDisk') return attachDisk(call, named);
    if (name === 'DeleteDisk') return deleteDisk(call, named);
    if (name === 'MoveDisk') return moveDisk(call, named, place ?? '');
    return resizeDisk(call, named, sizeGb);
  });
}

interface Call {
  readonly life: DiskLife;
  readonly instance: Instance;
  readonly machine: Machine;
  readonly step: Step;
}

const mostRounds = 5;

/** Looks at the disks and changes them, once more whenever another call has come in between. */
export async function changing<T>(
  { life, instance, machine, step }: Call,
  work: (now: Disks) => Promise<T | 'lost'>,
): Promise<T> {
  for (let round = 1; round <= mostRounds; round += 1) {
    const done = await work(await life.disks.list(machine, step));
    if (done !== 'lost') return done;
    life.context.log('disks.changed', { machine: machine.remoteId, round });
  }
  throw changedDisks(machine, instance);
}

async function listDisks(life: DiskLife, instance: Instance): Promise<Outcome> {
  const machine = await show(life, instance);
  const { disks } = await life.disks.list(machine, stepOf(life, instance), true);
  return {
    message: disks.length === 0 ? 'There are no disks' : `Disks: ${disks.length}`,
    rows: disks.map(({ name, slot, sizeBytes, storage = '', root = false }) => ({
      Attached: slot ?? 'no',
      Size: sizeBytes === undefined ? null : { bytes: sizeBytes },
      Use: root ? 'root' : 'data',
      ...(life.disks.storages === true ? { Storage: storage } : {}),
      Disk: name,
    })),
    toCopy: 'Disk',
  };
}

async function addDisk(call: Call, sizeGb: number, storage?: string): Promise<Outcome> {
  const { life, machine, step } = call;
  const { policy } = life.driver;
  refuseLimit(policy, { sizeGb, storage });
  const added = await withUndo(life.context, (undo) =>
    changing(call, async (now) => {
      refuseNumber(policy, now.disks);
      const wanted = { sizeGb, storage, number: freeNumber(now.disks) };
      return life.disks.add(machine, wanted, now, { ...step, undo });
    }),
  );
  return { message: `Disk ${added.name} was added as ${added.slot}` };
}

function detachDisk(call: Call, named: string | undefined): Promise<Outcome> {
  const { life, machine, step } = call;
  return changing(call, async (now) => {
    const disk = pick(now.disks, named);
    if (disk.root) throw refused('usage', 'The disk that the instance boots from stays in it');
    if (disk.slot === undefined) return { message: `Disk ${disk.name} is detached already` };
    if ((await life.disks.detach(machine, disk, now, step)) === 'lost') return 'lost';
    const fate =
      life.driver.policy.deleteDetachedDisks === false
        ? 'the instance cannot be deleted before DeleteDisk has removed it'
        : 'deleting the instance deletes it too';
    return { message: `Disk ${disk.name} is detached and kept; ${fate}` };
  });
}

function attachDisk(call: Call, named: string | undefined): Promise<Outcome> {
  const { life, machine, step } = call;
  return changing(call, async (now) => {
    const disk = pick(now.disks, named);
    if (disk.slot !== undefined) return { message: `Disk ${disk.name} is attached already` };
    const attached = await life.disks.attach(machine, numbered(disk, now), now, step);
    if (attached === 'lost') return 'lost';
    return { message: `Disk ${attached.name} is attached as ${attached.slot}` };
  });
}

function numbered<D extends Disk>(disk: D, { disks }: Disks): D {
  return { ...disk, number: disk.number ?? freeNumber(disks) };
}

/** A disk that is attached may be in use by the guest, which would lose it without a word. */
function deleteDisk(call: Call, named: string | undefined): Promise<Outcome> {
  const { life, instance, machine, step } = call;
  const guard = life.driver.guard?.(machine);
  if (guard !== undefined) throw guarded(machine, instance, guard);
  return changing(call, async (now) => {
    const disk = pick(now.disks, named);
    if (disk.root) throw refused('usage', 'The disk that the instance boots from stays in it');
    if (disk.slot !== undefined) {
      throw refused('conflict', 'The disk is attached: detach it first', disk.name);
    }
    if ((await life.disks.remove(machine, disk, now, step)) === 'lost') return 'lost';
    return { message: `Disk ${disk.name} was deleted` };
  });
}

async function resizeDisk(
  { life, machine, step }: Call,
  named: string | undefined,
  sizeGb: number,
): Promise<Outcome> {
  refuseLimit(life.driver.policy, { sizeGb });
  const { disks } = await life.disks.list(machine, step);
  const disk = pick(disks, named);
  const label = named === undefined && disks.length === 1 ? 'The disk' : `Disk ${disk.name}`;
  if (disk.slot === undefined) {
    throw refused('conflict', 'The disk is detached: attach it first', disk.name);
  }
  if (disk.sizeBytes !== undefined && sizeGb * gib < disk.sizeBytes) {
    throw alreadyLarger(disk.sizeBytes, sizeGb);
  }
  await withUndo(life.context, (undo) =>
    life.disks.resize(machine, disk, sizeGb, { ...step, undo }),
  );
  return { message: `${label} has ${sizeGb} GiB now` };
}

async function moveDisk(
  { life, machine, step }: Call,
  named: string | undefined,
  storage: string,
): Promise<Outcome> {
  refuseLimit(life.driver.policy, { sizeGb: 0, storage });
  const { disks } = await life.disks.list(machine, step);
  const disk = pick(disks, named);
  if (disk.slot === undefined) {
    throw refused('conflict', 'The disk is detached: attach it first', disk.name);
  }
  if (disk.storage === storage) return { message: `Disk ${disk.name} is on ${storage} already` };
  const moved = await withUndo(
    life.context,
    async (undo) => life.disks.move?.(machine, disk, storage, { ...step, undo }) ?? disk,
  );
  return { message: `Disk ${disk.name} is on ${storage} now, as ${moved.name}` };
}

import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { withUndo } from '../../../kit/undo.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { allocate, constraints, pinOf } from './allocate.ts';
import { markFor, markOf, writeMarkOn } from './annotations.ts';
import { type Remembered, recall } from './events.ts';
import { claimOf, find, machinesIn } from './find.ts';
import { release, takeBack } from './release.ts';
import { listMachines, nameOf, type Rig, rigUntil } from './session.ts';

/** More than these are not asked for one by one in place of one that failed lately. */
const mostOthers = 20;

/** A call for the same instance on another server gives way this often. */
const mostRivalries = 6;

/** Claims a machine that fits: allocated under the instance's agent name and marked as `building`. */
export async function claim(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Machine> {
  for (let round = 1; ; round += 1) {
    const machine = await claimAlone(rig, instance, blueprint);
    if (machine !== undefined) return machine;
    // Two that gave way to each other must not meet again and again.
    const pauseMs = 200 + Math.random() * 300 * round;
    await rig.context.deadline.sleep(pauseMs, `waiting for another call for ${instance.name}`);
    const other = (await allOf(rig, instance)).find((each) => markOf(each) !== undefined);
    if (other !== undefined) return other;
    if (round === mostRivalries) throw twice(instance);
  }
}

/**
 * `undefined` when another call has a machine for the instance too, and ours was given back. Who
 * sees no other after marking its own is the only one, since whoever comes later sees that mark.
 */
function claimAlone(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Machine | undefined> {
  return withUndo(rig.context, async (undo) => {
    const machine = await takeFit(rig, instance, blueprint);
    const { system_id } = machine;
    undo.add(`give machine ${system_id} back`, (deadline) =>
      takeBack(rigUntil(rig, deadline), instance, machine, {
        why: `claim for ${instance.name} failed`,
      }),
    );
    const mark = markFor(rig, instance, system_id, 'building');
    const marked = await writeMarkOn(rig, machine, mark);
    const others = (await allOf(rig, instance)).filter((each) => each.system_id !== system_id);
    if (others.length > 0) {
      await release(rig, instance, marked, { why: `${instance.name} has a machine already` });
      return undefined;
    }
    rig.context.log('machine.claimed', { machine: system_id, hostname: machine.hostname });
    return marked;
  });
}

/** Every machine that is the instance's by now, finished ones too. */
async function allOf(rig: Rig, instance: SizedInstance): Promise<readonly Machine[]> {
  const found = await find(rig, instance, { thorough: false, patienceMs: 30_000 });
  if (found.kind === 'doubtful') throw refusal(found.doubtful, claimOf(rig, instance));
  return found.kind === 'leaving' ? [] : machinesIn(found);
}

async function takeFit(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<Machine> {
  const wanted = constraints(rig, instance, blueprint);
  const pin = pinOf(rig, instance, blueprint);
  const machine = await allocate(rig, instance, { ...wanted, system_id: pin });
  const past = await recall(rig, machine.system_id);
  if (past === undefined) return machine;
  rig.context.log('machine.avoided', { machine: machine.system_id, ...past });
  // First of all: whoever kills us must not find two machines claimed.
  await release(rig, instance, machine, { why: `${instance.name} takes another machine` });
  if (pin !== undefined) throw failedLately(instance, [nameOf(machine)], past);
  return takeOther(rig, instance, wanted, { machine, past });
}

async function takeOther(
  rig: Rig,
  instance: SizedInstance,
  wanted: Pairs,
  { machine: first, past }: { readonly machine: Machine; readonly past: Remembered },
): Promise<Machine> {
  const avoided = [nameOf(first)];
  const { pool, zone } = wanted;
  const ready = await listMachines(rig, { status: 'ready', pool, zone });
  const others = ready.filter(({ system_id }) => system_id !== first.system_id);
  for (const { system_id, hostname } of others.slice(0, mostOthers)) {
    if ((await recall(rig, system_id)) !== undefined) {
      avoided.push(nameOf({ system_id, hostname }));
      continue;
    }
    const machine = await tryAllocate(rig, instance, { ...wanted, system_id });
    if (machine !== undefined) return machine;
  }
  if (past.blame === 'failed') throw failedLately(instance, avoided, past);
  return allocate(rig, instance, { ...wanted, system_id: first.system_id });
}

/** `undefined` when it does not fit or somebody else has it. */
async function tryAllocate(
  rig: Rig,
  instance: SizedInstance,
  form: Pairs,
): Promise<Machine | undefined> {
  try {
    return await allocate(rig, instance, form);
  } catch (thrown) {
    if (statusOf(thrown) === 409) return undefined;
    throw thrown;
  }
}

function twice({ name }: SizedInstance): Failure {
  return new Failure('conflict', `Machines are being claimed twice for ${name}`, {
    advice: 'Another call for the same instance is under way; try again when it has ended',
  });
}

function failedLately(
  { name }: SizedInstance,
  machines: readonly string[],
  { minutesAgo }: Remembered,
): Failure {
  const text = `Only machines that failed lately are left for ${name}: ${machines.join(', ')} (the first ${minutesAgo} minutes ago)`;
  return new Failure('conflict', text, {
    advice: 'Mend them, or set avoid_failed_minutes to 0 to try them all the same',
    tenant: 'No machine that fits is free',
  });
}

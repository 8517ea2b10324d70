import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { withUndo } from '../../../kit/undo.ts';
import type { Machine } from '../api/wire.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import { allocate, constraints, pinOf } from './allocate.ts';
import { markOf, writeMarkOn } from './annotations.ts';
import { failuresOf, type Standing, standingOf } from './failures.ts';
import { findCertain } from './find.ts';
import { machinesIn, markFor } from './match.ts';
import { release, takeBack } from './release.ts';
import { listMachines, nameOf, type Session } from './session.ts';

/** More than these are not asked for one by one in place of one that failed lately. */
const mostOthers = 20;

/** A call for the same instance on another server gives way this often. */
const mostRivalries = 6;

/** Claims a machine that fits: allocated under the instance's agent name and marked as `building`. */
export async function claim(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Machine> {
  for (let round = 1; ; round += 1) {
    const machine = await claimAlone(session, instance, blueprint);
    if (machine !== undefined) return machine;
    // Two that gave way to each other must not meet again and again.
    const pauseMs = 200 + Math.random() * 300 * round;
    await session.deadline.sleep(pauseMs, `waiting for another call for ${instance.name}`);
    const other = (await allOf(session, instance)).find((each) => markOf(each) !== undefined);
    if (other !== undefined) return other;
    if (round === mostRivalries) throw twice(instance);
  }
}

/**
 * `undefined` when another call has a machine for the instance too, and ours was released. The call
 * that sees no other machine after marking its own is the only one, since any later one sees that mark.
 */
function claimAlone(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Machine | undefined> {
  return withUndo(session, async (undo) => {
    const machine = await takeFit(session, instance, blueprint);
    const { system_id, hostname } = machine;
    undo.add(`give machine ${system_id} back`, (deadline) => {
      const why = `claim for ${instance.name} failed`;
      return takeBack({ ...session, deadline }, instance, machine, { why });
    });
    const mark = markFor(instance, session.installation, system_id, 'building');
    const marked = await writeMarkOn(session, machine, mark);
    const others = (await allOf(session, instance)).filter((each) => each.system_id !== system_id);
    if (others.length > 0) {
      await release(session, instance, marked, { why: `${instance.name} has a machine already` });
      return undefined;
    }
    session.log('machine.claimed', { machine: system_id, hostname });
    return marked;
  });
}

/** Every machine that is the instance's by now, finished ones too. */
async function allOf(session: Session, instance: SizedInstance): Promise<readonly Machine[]> {
  const care = { thorough: false, busyTimeoutMs: 30_000 };
  const choice = await findCertain(session, instance, care);
  return choice.kind === 'leaving' ? [] : machinesIn(choice).map(({ machine }) => machine);
}

async function takeFit(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Machine> {
  const wanted = constraints(session, instance, blueprint);
  const pin = pinOf(session, instance, blueprint);
  const machine = await allocate(session, instance, { ...wanted, system_id: pin });
  const past = await standing(session, instance, blueprint, machine.system_id);
  // No other machine will do, and it may well be the image that failed on it.
  if (past === undefined || (pin !== undefined && !past.isRefused)) return machine;
  session.log('machine.avoided', { machine: machine.system_id, ...past });
  // First of all: a call that is killed must not leave two machines claimed.
  await release(session, instance, machine, { why: `${instance.name} takes another machine` });
  if (pin !== undefined) throw failedLately(instance, [nameOf(machine)], past);
  return takeOther(session, instance, blueprint, { machine, past });
}

async function standing(
  session: Session,
  { uuid }: SizedInstance,
  blueprint: Blueprint,
  systemId: string,
): Promise<Standing | undefined> {
  const system = seriesOf(blueprint) ?? '';
  return standingOf(await failuresOf(session, systemId), { system, uuid });
}

async function takeOther(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  { machine: first, past }: { readonly machine: Machine; readonly past: Standing },
): Promise<Machine> {
  const wanted = constraints(session, instance, blueprint);
  const spare = past.isRefused ? [] : [first.system_id];
  const avoided = [nameOf(first)];
  const { pool, zone } = wanted;
  const ready = await listMachines(session, { status: 'ready', pool, zone });
  const others = ready.filter(({ system_id }) => system_id !== first.system_id);
  for (const { system_id, hostname } of others.slice(0, mostOthers)) {
    const other = await standing(session, instance, blueprint, system_id);
    if (other !== undefined) {
      avoided.push(nameOf({ system_id, hostname }));
      if (!other.isRefused) spare.push(system_id);
      continue;
    }
    const machine = await tryAllocate(session, instance, { ...wanted, system_id });
    if (machine !== undefined) return machine;
  }
  for (const system_id of spare) {
    const machine = await tryAllocate(session, instance, { ...wanted, system_id });
    if (machine !== undefined) return machine;
  }
  throw failedLately(instance, avoided, past);
}

/** `undefined` when it does not fit or another user has it. */
async function tryAllocate(
  session: Session,
  instance: SizedInstance,
  form: Pairs,
): Promise<Machine | undefined> {
  try {
    return await allocate(session, instance, form);
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
  { minutesAgo }: Standing,
): Failure {
  const text = `Only machines that failed lately are left for ${name}: ${machines.join(', ')} (the first ${minutesAgo} minutes ago)`;
  return new Failure('conflict', text, {
    advice:
      'Mend them, then run the custom action ClearFailures for each, or set avoid_failed_minutes to 0 to try them all the same',
    tenant: 'No machine that fits is free',
  });
}

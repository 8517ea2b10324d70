import type { Deadline, Step } from '../../../contract/context.ts';
import type { Plan } from '../../../contract/driver.ts';
import type { State } from '../../../contract/machine.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { poll, pollFor } from '../../../kit/poll.ts';
import { broken } from '../api/failures.ts';
import type { PrimitiveName } from '../protocol/primitives.ts';
import { hasHardware } from './hardware.ts';
import { reread } from './read.ts';
import { onMachine } from './request.ts';
import type { Seen, Session } from './session.ts';

/*
 * A driver's word that it has changed something is not taken for the change: the machine is looked at
 * until the change is seen, so that a driver need not wait and cannot make CloudStack believe in a
 * machine that does not run.
 */

type Order = Extract<PrimitiveName, 'cut-power' | 'shut-down' | 'restart' | 'resume'>;

/** Gives the order and waits until the machine is in this state. */
export async function change(
  session: Session,
  machine: Seen,
  order: Exclude<Order, 'shut-down'>,
  wanted: State,
  { instance, deadline }: Step,
): Promise<Seen> {
  const what = `${verbs[order]} machine ${machine.remoteId}`;
  await session.client.ask(order, onMachine(machine, instance), { what, deadline });
  return untilState(session, machine, wanted, deadline);
}

const verbs = { 'cut-power': 'switch off', restart: 'restart', resume: 'resume' } as const;

async function untilState(
  session: Session,
  { remoteId, mark }: Seen,
  wanted: State,
  deadline: Deadline,
): Promise<Seen> {
  const what = `show machine ${remoteId} as ${wanted}`;
  return poll(deadline, `driver ${session.driver} was to ${what}`, async () => {
    const now = await reread(session, remoteId, deadline, what);
    const before = typeof mark === 'object' ? mark.uuid : undefined;
    if (typeof now.mark !== 'object' || now.mark.uuid !== before) throw changedHands(session, now);
    return (await stateOf(session, now, 'use', deadline)) === wanted ? now : undefined;
  });
}

function changedHands({ driver }: Session, { remoteId }: Seen): Failure {
  return broken(
    `Driver ${driver} changed machine ${remoteId}`,
    'the machine carries another mark than before',
  );
}

/** For a report as it was read; else as certain as the driver can tell. */
export async function stateOf(
  { client, has }: Session,
  { remoteId, said: { id, name, mark = null, state } }: Seen,
  purpose: 'start' | 'stop' | 'use' | 'report',
  deadline: Deadline,
): Promise<State> {
  if (!has('state')) return state;
  const request = { machine: { id, name, mark, state }, purpose };
  const what = `tell the state of machine ${remoteId}`;
  return (await client.ask('state', request, { what, deadline })).state;
}

/** Ends with the machine on and as the instance is; one that came up otherwise is switched off again. */
export async function powerOn(
  session: Session,
  machine: Seen,
  plan: Plan<Readonly<Record<string, unknown>>>,
): Promise<Seen> {
  const { client, has } = session;
  const { instance, blueprint, deadline } = plan;
  const { remoteId } = machine;
  const request = onMachine(machine, instance);
  if (has('set-hardware') && !(await hasHardware(session, machine, instance, deadline))) {
    const what = `bring the hardware of machine ${remoteId} up to date`;
    await client.ask('set-hardware', request, { what, deadline });
  }
  const what = `switch on machine ${remoteId}`;
  await client.ask('power-on', { ...request, blueprint }, { what, deadline });
  const on = await untilState(session, machine, 'on', deadline);
  if (await hasHardware(session, on, instance, deadline)) return on;
  await change(session, on, 'cut-power', 'off', plan).catch(expectFailure);
  throw broken(
    `Driver ${session.driver} switched on machine ${remoteId}`,
    'it came up with other CPUs, memory or NICs than the instance has, and was switched off again',
  );
}

export function resume(session: Session, machine: Seen, step: Step): Promise<Seen> {
  if (session.has('resume')) return change(session, machine, 'resume', 'on', step);
  const text = `Driver ${session.driver} cannot resume machine ${machine.remoteId}`;
  throw new Failure('unsupported', text, { advice: 'Resume it in the system itself' });
}

/** Whether the guest went down by itself. */
export async function shutDown(
  session: Session,
  machine: Seen,
  { instance, deadline }: Step,
  ms: number,
): Promise<boolean> {
  if (!session.has('shut-down')) return false;
  const { remoteId } = machine;
  const what = `shut down machine ${remoteId}`;
  const request = { ...onMachine(machine, instance), waitMs: Math.round(ms) };
  const endMs = deadline.remainingMs() - ms;
  await session.client.ask('shut-down', request, { what, deadline });
  const leftMs = deadline.remainingMs() - endMs;
  return pollFor(deadline, { ms: Math.max(0, leftMs), what: `waiting for ${what}` }, async () => {
    const now = await reread(session, remoteId, deadline);
    return (await stateOf(session, now, 'stop', deadline)) === 'off';
  });
}

/** The guest is asked first, as the operator's grace allows; a driver may know a better way. */
export async function restart(session: Session, machine: Seen, step: Step): Promise<void> {
  const { instance, deadline } = step;
  if (session.has('restart')) {
    await change(session, machine, 'restart', 'on', step);
    return;
  }
  const grace = Number(session.settings['grace_seconds'] ?? 0) * 1000;
  const down = await shutDown(session, machine, step, Math.min(grace, deadline.remainingMs() / 3));
  if (!down) await change(session, machine, 'cut-power', 'off', step);
  const what = `switch on machine ${machine.remoteId} again`;
  const request = { ...onMachine(machine, instance), blueprint: {} };
  await session.client.ask('power-on', request, { what, deadline });
  await untilState(session, machine, 'on', deadline);
}

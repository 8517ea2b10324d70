import type { Deadline } from '../../../contract/context.ts';
import type { Plan } from '../../../contract/driver.ts';
import { isKind } from '../../../failure.ts';
import { type Machine, stateOf } from '../api/wire.ts';
import type { Blueprint } from '../settings.ts';
import { guestConfig, hasConfig, keptInstanceId } from './guest.ts';
import { devicesFor, hasHardware, sizeOf } from './hardware.ts';
import { order, type PowerAction, patchConfig, replace, reread } from './instances.ts';
import type { Session } from './session.ts';
import { untilIdle } from './tasks.ts';

const mostTurns = 5;

/** Where another call for the instance was faster, this one looks again. */
export async function powerOn(
  session: Session,
  machine: Machine,
  plan: Plan<Partial<Blueprint>>,
): Promise<Machine> {
  const { client } = session;
  const { remoteId } = machine;
  const { deadline } = plan;
  let now = machine;
  for (let turn = 1; stateOf(now) !== 'on'; turn += 1) {
    try {
      return await startOnce(session, now, plan);
    } catch (thrown) {
      if (!isKind(thrown, 'conflict') || turn === mostTurns) throw thrown;
      await untilIdle(client, [remoteId], deadline);
      now = await reread(client, remoteId, deadline);
    }
  }
  return now;
}

async function startOnce(
  session: Session,
  machine: Machine,
  plan: Plan<Partial<Blueprint>>,
): Promise<Machine> {
  const ready = await broughtUpToDate(session, machine, plan);
  const { deadline } = plan;
  await order(session.client, machine.remoteId, 'start', { deadline });
  return inStatus(ready, 'Running');
}

/** CPUs, memory, NICs and what the guest is told. */
async function broughtUpToDate(
  { client, settings }: Session,
  machine: Machine,
  { instance, blueprint, deadline }: Plan<Partial<Blueprint>>,
): Promise<Machine> {
  // An adopted machine keeps the words that its owner has for cloud-init.
  const told = isAdopted(machine) ? {} : guestConfig(settings, instance, blueprint);
  const knows = hasConfig(machine, told);
  if (knows && hasHardware(machine, instance, settings)) return machine;
  const config = { ...sizeOf(instance), ...told };
  const ready = await replace(
    client,
    machine,
    (now) =>
      stateOf(now) === 'on' ? 'lost' : { config, devices: devicesFor(now, instance, settings) },
    deadline,
  );
  if (ready === 'lost') return reread(client, machine.remoteId, deadline);
  const kept = knows ? undefined : keptInstanceId(machine, told);
  if (kept === undefined) return ready;
  const written = await patchConfig(client, ready, kept, deadline);
  return written === 'lost' ? ready : written;
}

function isAdopted({ mark }: Machine): boolean {
  return typeof mark === 'object' && mark.origin === 'adopted';
}

const statusAfter: Readonly<Record<PowerAction, string>> = {
  ...{ start: 'Running', restart: 'Running', unfreeze: 'Running' },
  ...{ stop: 'Stopped', freeze: 'Frozen' },
};

/** Gives an order that may find itself carried out already. */
export async function change(
  { client }: Session,
  machine: Machine,
  action: PowerAction,
  deadline: Deadline,
): Promise<Machine> {
  const status = statusAfter[action];
  try {
    await order(client, machine.remoteId, action, { deadline });
    return inStatus(machine, status);
  } catch (thrown) {
    if (!isKind(thrown, 'conflict')) throw thrown;
    const now = await reread(client, machine.remoteId, deadline);
    if (now.incus.status !== status) throw thrown;
    return now;
  }
}

/** The end of the server's task is the proof: the instance need not be read again. */
function inStatus(machine: Machine, status: string): Machine {
  return { ...machine, incus: { ...machine.incus, status, stateful: false } };
}

/** Whether the guest went down by itself. Incus counts in whole seconds, and says only that it did not. */
export async function shutDown(
  session: Session,
  { remoteId }: Machine,
  deadline: Deadline,
  ms: number,
): Promise<boolean> {
  const { client } = session;
  const seconds = Math.floor(ms / 1000);
  if (seconds === 0) return false;
  try {
    await order(client, remoteId, 'stop', { deadline, seconds });
    return true;
  } catch (thrown) {
    if (!isKind(thrown, 'conflict', 'upstream')) throw thrown;
    return stateOf(await reread(client, remoteId, deadline)) === 'off';
  }
}

/** The guest is asked first, as the operator's grace allows; one that does not listen is reset. */
export async function restart(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<void> {
  const { client } = session;
  const { remoteId } = machine;
  const down = await goesDown(session, machine, deadline);
  if (!down) return order(client, remoteId, 'restart', { deadline });
  try {
    await order(client, remoteId, 'start', { deadline });
  } catch (thrown) {
    if (!isKind(thrown, 'conflict', 'upstream')) throw thrown;
    // Of two reboots at once, the stop of one may still clear away what the start of the other has made.
    await untilIdle(client, [remoteId], deadline);
    await change(session, machine, 'start', deadline);
  }
}

/** Whether a guest that is on listens within the operator's grace, and a third of the time left. */
export async function goesDown(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<boolean> {
  const { grace_seconds: grace } = session.settings;
  const ms = Math.min(grace * 1000, deadline.remainingMs() / 3);
  return stateOf(machine) === 'on' && shutDown(session, machine, deadline, ms);
}

import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { askBmc, waitForPower } from './bmc.ts';
import { type Operation, operate, stillOwn } from './operate.ts';
import { nameOf, refuseIfLocked, type Session } from './session.ts';
import { waitDeployed } from './wait-deployed.ts';

/** Ends when the BMC says on, or when a system that lives in memory is installed again. */
export async function powerOn(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<Machine> {
  refuseIfLocked(machine, instance);
  // Anywhere else `power_on` begins a deployment, a rescue or a test.
  if (machine.status !== status.deployed && machine.status !== status.deploying) {
    throw notInstalled(instance, machine);
  }
  if (machine.status === status.deployed) {
    const what = `switch machine ${machine.system_id} on`;
    const after = (await ask(session, instance, machine, { op: 'power_on', what })) ?? machine;
    if (after.status !== status.deploying) {
      await waitForPower(session, machine, 'on');
      return after;
    }
  }
  return waitDeployed(session, instance, machine.system_id);
}

/** Whether the guest went down within the milliseconds given; asks no guest that is being installed. */
export async function shutDown(
  session: Session,
  instance: Instance,
  machine: Machine,
  ms: number,
): Promise<boolean> {
  const installed = await whenInstalled(session, instance, machine);
  if (installed === 'off') return true;
  await requestOff(session, instance, installed, 'soft');
  if (await waitForPower(session, installed, 'off', ms)) return true;
  // The wait was long enough for another instance to have the machine by now.
  await stillOwn(session, instance, machine.system_id);
  return false;
}

/** Ends when the BMC says off. */
export async function cutPower(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<Machine> {
  const installed = await whenInstalled(session, instance, machine);
  if (installed === 'off') return machine;
  await requestOff(session, instance, installed, 'hard');
  await waitForPower(session, installed, 'off');
  return installed;
}

/** Off, watched, and on again: MAAS has no reboot of its own. */
export async function restart(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<void> {
  if (machine.status === status.deploying) throw underway(instance, machine);
  const { settings, deadline, log } = session;
  const graceMs = Math.min(settings.grace_seconds * 1000, deadline.remainingMs() / 2);
  const down = graceMs >= 1 && (await shutDown(session, instance, machine, graceMs));
  if (!down) {
    log('stop.ungraceful', { machine: machine.system_id, waitedMs: Math.round(graceMs) });
    await cutPower(session, instance, machine);
  }
  // A machine that was released in the meantime would be installed, for the instance that has it now.
  await powerOn(session, instance, await stillOwn(session, instance, machine.system_id));
}

/**
 * The machine once a system that is being installed on it is there; `off` when it has no power then.
 * Cut off in the middle, MAAS would wait for the machine in vain and then give it up.
 */
async function whenInstalled(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<Machine | 'off'> {
  if (machine.status !== status.deploying) return machine;
  const { deadline, log } = session;
  log('stop.waits', { machine: machine.system_id, status: machine.status_name });
  const what = `waiting for the system of ${instance.name} to be installed on ${nameOf(machine)}`;
  const look = async (): Promise<Machine | undefined> => {
    const now = await stillOwn(session, instance, machine.system_id);
    return now.status === status.deploying ? undefined : now;
  };
  const installed = await poll(deadline, what, look, { mostMs: 5_000 });
  return (await askBmc(session, machine.system_id)) === 'off' ? 'off' : installed;
}

async function requestOff(
  session: Session,
  instance: Instance,
  machine: Machine,
  mode: 'soft' | 'hard',
): Promise<void> {
  refuseIfLocked(machine, instance);
  const what = `switch machine ${machine.system_id} off`;
  const form = { stop_mode: mode, comment: `CloudStack stops ${instance.name}` };
  const after = await ask(session, instance, machine, { op: 'power_off', what, form });
  if (after === undefined) throw cannotSwitch(instance, machine);
}

/** The machine after an operation on its power; `undefined` when MAAS cannot switch it. */
function ask(
  session: Session,
  instance: Instance,
  machine: Machine,
  operation: Operation,
): Promise<Machine | undefined> {
  const wanted = operation.op === 'power_on' ? 'on' : 'off';
  return operate(session, instance, machine, operation, async (now) => {
    return now.status !== machine.status || (await askBmc(session, machine.system_id)) === wanted;
  });
}

function cannotSwitch({ name }: Instance, machine: Machine): Failure {
  const text = `MAAS cannot switch ${nameOf(machine)} of ${name}: its power type is "${machine.power_type}"`;
  return new Failure('unsupported', text, {
    advice: 'Switch it by hand, or give the machine a power type with a BMC in MAAS',
    tenant: 'The machine of this instance cannot be switched from here',
  });
}

function notInstalled({ name }: Instance, machine: Machine): Failure {
  const text = `${nameOf(machine)} of ${name} has no system that could be started: it is "${machine.status_name}"`;
  return new Failure('conflict', text, {
    advice:
      'Custom action Redeploy installs it anew; rescue mode and tests have to be ended in MAAS first',
    tenant: 'The instance is not installed',
  });
}

function underway({ name }: Instance, machine: Machine): Failure {
  return new Failure('conflict', `A system is being installed for ${name} on ${nameOf(machine)}`, {
    advice: 'Wait for its end, or abort it in MAAS',
    tenant: 'The instance is being installed',
  });
}

import type { StopManner } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { askBmc, waitForPower } from './bmc.ts';
import { waitDeployed } from './deploy.ts';
import { type Operation, operate, stillOwn } from './operate.ts';
import { nameOf, type Rig, refuseIfLocked } from './session.ts';

/** Ends when the BMC says on, or when a system that lives in memory is installed again. */
export async function powerOn(rig: Rig, instance: Instance, machine: Machine): Promise<void> {
  refuseIfLocked(machine, instance);
  // Anywhere else `power_on` begins a deployment, a rescue or a test.
  if (machine.status !== status.deployed && machine.status !== status.deploying) {
    throw notDeployed(instance, machine);
  }
  if (machine.status === status.deployed) {
    if ((await stateNow(rig, machine)) === 'on') return;
    const what = `switch machine ${machine.system_id} on`;
    const after = (await ask(rig, instance, machine, { op: 'power_on', what })) ?? machine;
    if (after.status !== status.deploying) {
      await waitForPower(rig, machine, 'on', Number.POSITIVE_INFINITY);
      return;
    }
  }
  await waitDeployed(rig, instance, machine.system_id);
}

/** Ends when the BMC says off. The guest is asked first and has its grace, a capped one. */
export async function powerOff(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  manner: StopManner,
): Promise<void> {
  const installed = await whenInstalled(rig, instance, machine);
  if ((await stateNow(rig, installed)) === 'off') return;
  refuseIfLocked(installed, instance);
  if (manner === 'graceful' && (await softly(rig, instance, installed))) return;
  await order(rig, instance, installed, 'hard');
  await waitForPower(rig, installed, 'off', Number.POSITIVE_INFINITY);
}

/** Cut off in the middle, MAAS would wait for the machine in vain and then give it up. */
async function whenInstalled(rig: Rig, instance: Instance, machine: Machine): Promise<Machine> {
  if (machine.status !== status.deploying) return machine;
  const { deadline, log } = rig.context;
  log('stop.waits', { machine: machine.system_id, status: machine.status_name });
  const what = `waiting for the system of ${instance.name} to be installed on ${nameOf(machine)}`;
  const look = async (): Promise<Machine | undefined> => {
    const now = await stillOwn(rig, instance, machine.system_id);
    return now.status === status.deploying ? undefined : now;
  };
  return poll(deadline, what, look, { mostMs: 5_000 });
}

async function softly(rig: Rig, instance: Instance, machine: Machine): Promise<boolean> {
  const { deadline, log } = rig.context;
  // Enough is kept of the time to cut the power when the guest does not listen.
  const graceMs = Math.min(rig.settings.grace_seconds * 1000, deadline.remainingMs() / 2);
  if (graceMs < 1) return false;
  await order(rig, instance, machine, 'soft');
  if (await waitForPower(rig, machine, 'off', graceMs)) return true;
  log('stop.ungraceful', { machine: machine.system_id, waitedMs: Math.round(graceMs) });
  // That was long enough for another instance to have it by now.
  await stillOwn(rig, instance, machine.system_id);
  return false;
}

async function order(rig: Rig, instance: Instance, machine: Machine, mode: 'soft' | 'hard') {
  const what = `switch machine ${machine.system_id} off`;
  const form = { stop_mode: mode, comment: `CloudStack stops ${instance.name}` };
  const after = await ask(rig, instance, machine, { op: 'power_off', what, form });
  if (after === undefined) throw cannotSwitch(instance, machine);
}

/** The machine after an order about its power; `undefined` when MAAS cannot switch it. */
function ask(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  operation: Operation,
): Promise<Machine | undefined> {
  const wanted = operation.op === 'power_on' ? 'on' : 'off';
  return operate(rig, instance, machine, operation, async (now) => {
    return now.status !== machine.status || (await stateNow(rig, machine)) === wanted;
  });
}

/** The cache of MAAS may be minutes old, and nothing here may rely on it. */
export function stateNow(rig: Rig, machine: Machine): Promise<string> {
  return askBmc(rig, machine.system_id, Math.min(35_000, rig.context.deadline.remainingMs()));
}

function cannotSwitch({ name }: Instance, machine: Machine): Failure {
  return new Failure(
    'unsupported',
    `MAAS cannot switch ${nameOf(machine)} of ${name}: its power type is "${machine.power_type}"`,
    {
      advice: 'Switch it by hand, or give the machine a power type with a BMC in MAAS',
      tenant: 'The machine of this instance cannot be switched from here',
    },
  );
}

function notDeployed({ name }: Instance, machine: Machine): Failure {
  const text = `${nameOf(machine)} of ${name} has no system that could be started: it is "${machine.status_name}"`;
  return new Failure('conflict', text, {
    advice:
      'Custom action Redeploy installs it anew; rescue mode and tests have to be ended in MAAS first',
    tenant: 'The instance is not installed',
  });
}

import { Failure } from '../../failure.ts';
import type { Instance, SizedInstance, StopManner } from '../../provider.ts';
import { removeMark } from './annotations.ts';
import { askBmc, waitForPower } from './bmc.ts';
import { waitDeployed } from './deploy.ts';
import { findForChange, take } from './find.ts';
import { operate } from './operate.ts';
import { release } from './release.ts';
import { nameOf, type Rig, refuseIfLocked } from './rig.ts';
import { isLeaving, status } from './statuses.ts';
import { type Machine, readMachineOrNull } from './wire.ts';

/** Switches the machine on; ends when its BMC says so, or when an ephemeral system is there again. */
export async function start(rig: Rig, instance: SizedInstance): Promise<void> {
  const machine = await take(rig, instance);
  await powerOn(rig, instance, machine);
}

/** Gives back what was claimed and never finished; switches everything else off. */
export async function stop(rig: Rig, instance: Instance, manner: StopManner): Promise<void> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'missing') {
    rig.context.log('stop.missing');
    return;
  }
  if (found.kind === 'leaving') return finishLeaving(rig, instance, found.machines);
  for (const machine of found.claims) await giveBack(rig, instance, machine);
  if (found.kind === 'built') await powerOff(rig, instance, found.machine, manner);
}

/** Off, watched, and on again: MAAS has no reboot of its own. */
export async function reboot(rig: Rig, instance: Instance): Promise<void> {
  const machine = await take(rig, instance);
  if ((await stateNow(rig, machine)) === 'off') throw notRunning(instance, machine);
  await powerOff(rig, instance, machine, 'graceful');
  await powerOn(rig, instance, machine);
}

/** Gives the machine back; one that was taken over is only unmarked and left without power. */
export async function remove(rig: Rig, instance: Instance): Promise<void> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'missing') {
    rig.context.log('delete.missing');
    return;
  }
  if (found.kind === 'leaving') return finishLeaving(rig, instance, found.machines);
  for (const machine of found.claims) await giveBack(rig, instance, machine);
  if (found.kind !== 'built') return;
  const { machine, mark } = found;
  if (mark.origin === 'adopted' && !rig.settings.delete_adopted) {
    await powerOff(rig, instance, machine, 'hard');
    await removeMark(rig, machine);
    rig.context.log('delete.kept', { machine: machine.system_id });
    return;
  }
  await release(rig, instance, machine, { why: `instance ${instance.name} was deleted` });
}

/** A claim that nobody finishes; a failed deployment is remembered. */
export function giveBack(rig: Rig, instance: Instance, machine: Machine): Promise<void> {
  const failed = machine.status === status.failedDeployment;
  return release(rig, instance, machine, {
    why: failed
      ? `deployment of ${instance.name} failed`
      : `claim of ${instance.name} was not used`,
    ...(failed ? { blame: 'failed' as const } : {}),
  });
}

export async function powerOn(rig: Rig, instance: Instance, machine: Machine): Promise<void> {
  refuseIfLocked(machine, instance);
  // Anywhere else `power_on` begins a deployment, a rescue or a test.
  if (machine.status !== status.deployed && machine.status !== status.deploying) {
    throw notDeployed(instance, machine);
  }
  if (machine.status === status.deployed) {
    if ((await stateNow(rig, machine)) === 'on') return;
    const what = `switch machine ${machine.system_id} on`;
    const reply = await operate(rig, instance, machine, { op: 'power_on', what });
    const after = readMachineOrNull(reply.json()) ?? machine;
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
  if ((await stateNow(rig, machine)) === 'off') return;
  refuseIfLocked(machine, instance);
  if (manner === 'graceful' && (await softly(rig, instance, machine))) return;
  await order(rig, instance, machine, 'hard');
  await waitForPower(rig, machine, 'off', Number.POSITIVE_INFINITY);
}

async function softly(rig: Rig, instance: Instance, machine: Machine): Promise<boolean> {
  const { deadline, log } = rig.context;
  // Enough is kept of the time to cut the power when the guest does not listen.
  const graceMs = Math.min(rig.settings.grace_seconds * 1000, deadline.remainingMs() / 2);
  if (graceMs < 1) return false;
  await order(rig, instance, machine, 'soft');
  if (await waitForPower(rig, machine, 'off', graceMs)) return true;
  log('stop.ungraceful', { machine: machine.system_id, waitedMs: Math.round(graceMs) });
  return false;
}

async function order(rig: Rig, instance: Instance, machine: Machine, mode: 'soft' | 'hard') {
  const what = `switch machine ${machine.system_id} off`;
  const form = { stop_mode: mode, comment: `CloudStack stops ${instance.name}` };
  const reply = await operate(rig, instance, machine, { op: 'power_off', what, form });
  if (readMachineOrNull(reply.json()) === undefined) throw cannotSwitch(instance, machine);
}

/** The cache of MAAS may be minutes old, and nothing here may rely on it. */
function stateNow(rig: Rig, machine: Machine): Promise<string> {
  return askBmc(rig, machine.system_id, Math.min(35_000, rig.context.deadline.remainingMs()));
}

/** What is on its way needs nothing more; what got stuck there is sent off again. */
async function finishLeaving(
  rig: Rig,
  instance: Instance,
  machines: readonly Machine[],
): Promise<void> {
  for (const machine of machines) {
    const { system_id, status_name } = machine;
    rig.context.log('machine.leaving', { machine: system_id, status: status_name });
    if (isLeaving(machine.status)) continue;
    await release(rig, instance, machine, { why: `${instance.name} gives it back again` });
  }
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

function notRunning({ name }: Instance, machine: Machine): Failure {
  return new Failure('conflict', `${nameOf(machine)} of ${name} is not running`, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}

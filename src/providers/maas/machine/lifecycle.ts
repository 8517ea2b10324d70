import type { StopManner } from '../../../contract/driver.ts';
import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { isLeaving, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { markOf, removeMark } from './annotations.ts';
import { findForChange, machinesIn, take } from './find.ts';
import { restoreName } from './hostname.ts';
import { isBuilt } from './match.ts';
import { powerOff, powerOn, stateNow } from './power.ts';
import { release, releaseUnfinished } from './release.ts';
import { nameOf, type Rig } from './session.ts';

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
  for (const machine of machinesIn(found)) {
    // A machine without power would not be erased.
    if (isLeaving(machine.status)) continue;
    if (isBuilt(markOf(machine))) await powerOff(rig, instance, machine, manner);
    else await giveBack(rig, instance, machine);
  }
}

/** Off, watched, and on again: MAAS has no reboot of its own. */
export async function reboot(rig: Rig, instance: Instance): Promise<void> {
  const machine = await take(rig, instance);
  if (machine.status === status.deploying) throw underway(instance, machine);
  if ((await stateNow(rig, machine)) === 'off') throw notRunning(instance, machine);
  await powerOff(rig, instance, machine, 'graceful');
  // What was given back in the meantime would be installed, for whoever has it now.
  await powerOn(rig, instance, await take(rig, instance));
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
    await restoreName(rig, machine);
    await removeMark(rig, machine, instance);
    rig.context.log('delete.kept', { machine: machine.system_id });
    return;
  }
  await release(rig, instance, machine, { why: `instance ${instance.name} was deleted` });
}

/** A claim that nobody finishes; a failed deployment is remembered. */
export function giveBack(rig: Rig, instance: Instance, machine: Machine): Promise<void> {
  const failed = machine.status === status.failedDeployment;
  return releaseUnfinished(rig, instance, machine, {
    why: failed
      ? `deployment of ${instance.name} failed`
      : `claim of ${instance.name} was not used`,
    ...(failed ? { blame: 'failed' as const } : {}),
  });
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

function underway({ name }: Instance, machine: Machine): Failure {
  return new Failure('conflict', `A system is being installed for ${name} on ${nameOf(machine)}`, {
    advice: 'Wait for its end, or abort it in MAAS',
    tenant: 'The instance is being installed',
  });
}

function notRunning({ name }: Instance, machine: Machine): Failure {
  return new Failure('conflict', `${nameOf(machine)} of ${name} is not running`, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}

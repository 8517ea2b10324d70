import type { Outcome } from '../../contract/action.ts';
import type { Instance } from '../../contract/instance.ts';
import { checkTemplate, newDiskContent } from './create.ts';
import { show, take } from './find.ts';
import { isRunning, type Machine, notRunning } from './machine.ts';
import { alone } from './power.ts';
import type { Rig } from './script.ts';
import type { Blueprint } from './settings.ts';

export async function getIpAddresses(rig: Rig, instance: Instance): Promise<Outcome> {
  const rows = show(rig, instance).nics.flatMap(({ deviceId, mac, ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((address) =>
      address === undefined ? [] : [{ nic: deviceId, mac, address }],
    ),
  );
  return {
    message: rows.length === 0 ? 'No addresses are known' : `Addresses: ${rows.length}`,
    rows,
  };
}

export async function getDetails(rig: Rig, instance: Instance): Promise<Outcome> {
  const machine = show(rig, instance);
  const { remoteId, node, power, cpus, memoryBytes, templateId, storage, boots } = machine;
  const hardware = { remoteId, node, power, cpus, memoryBytes };
  const disk = { templateId, storage, diskSizeGb: machine.diskSizeGb ?? null };
  const row = { ...hardware, ...disk, boots, snapshots: machine.snapshots.length };
  return { message: `Machine ${remoteId}`, rows: [row] };
}

export function reset(rig: Rig, instance: Instance): Promise<Outcome> {
  return onRunning(rig, instance, 'resetting', 'The instance was reset', (machine) => ({
    ...machine,
    power: 'on',
    boots: machine.boots + 1,
  }));
}

export function suspend(rig: Rig, instance: Instance): Promise<Outcome> {
  return onRunning(rig, instance, 'suspending', 'The instance is suspended', (machine) => ({
    ...machine,
    power: 'suspended',
  }));
}

export function resume(rig: Rig, instance: Instance): Promise<Outcome> {
  return onRunning(rig, instance, 'resuming', 'The instance goes on', (machine) => ({
    ...machine,
    power: 'on',
  }));
}

/** A fresh disk from the template; snapshots of the old one go with it, everything else stays. */
export function reinstall(rig: Rig, instance: Instance, blueprint: Blueprint): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    const { template_id: templateId } = blueprint;
    checkTemplate(rig, templateId);
    await rig.task(`copying template ${templateId} to ${machine.remoteId}`);
    const boots = isRunning(machine) ? machine.boots + 1 : machine.boots;
    rig.store.write({
      ...machine,
      templateId,
      diskContent: newDiskContent(templateId),
      snapshots: [],
      power: isRunning(machine) ? 'on' : 'off',
      boots,
    });
    return { message: 'The instance was installed anew' };
  });
}

function onRunning(
  rig: Rig,
  instance: Instance,
  doing: string,
  message: string,
  change: (machine: Machine) => Machine,
): Promise<Outcome> {
  return alone(rig, instance, async () => {
    const machine = take(rig, instance);
    if (!isRunning(machine)) throw notRunning(machine);
    await rig.task(`${doing} machine ${machine.remoteId}`);
    rig.store.write(change(machine));
    return { message };
  });
}

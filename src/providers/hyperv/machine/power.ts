import type { StopManner } from '../../../contract/driver.ts';
import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import type { Power } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { steps } from '../api/commands.ts';
import { type Found, find, missing, notRunning, takeBuilt, takeIfThere } from './find.ts';
import { hardwareOf, hasHardware, reshape, rewire } from './hardware.ts';
import { isReplica, lookAround, nameWithoutUuid, toSeen } from './listing.ts';
import { isOff, isRunning, isSaved, look, order, powerOf, powerOff, shutDown } from './orders.ts';
import { removeMachine } from './remove.ts';
import { alone, type Rig } from './session.ts';

export async function power(rig: Rig, instance: Instance): Promise<Power> {
  const choice = await find(rig, instance, true);
  if (choice.kind === 'missing' || choice.kind === 'leaving') throw missing(instance);
  if (choice.kind === 'doubtful') {
    rig.context.log('power.doubtful', { doubt: choice.doubt, level: 'warn' });
    return 'unknown';
  }
  if (choice.kind === 'own' && choice.mark.state === 'building') return 'unknown';
  return powerOf(choice.machine.listed.state);
}

/** Every instance of this installation on the host; what left it with its cluster role is in doubt. */
export async function powers(rig: Rig): Promise<ReadonlyMap<string, Power>> {
  const { machines, cluster, host } = await lookAround(rig, true);
  if (cluster.member && !cluster.known) {
    throw new Failure(
      'denied',
      `${host} is in a failover cluster whose roles cannot be listed: nothing proves that a missing machine is gone`,
      { advice: 'Give the account read access to the cluster: Grant-ClusterAccess -ReadOnly' },
    );
  }
  const present = machines.filter((machine) => !isReplica(machine)).map(toSeen);
  const { certain, doubtful } = overview(present, rig.context.installation);
  const others = rig.settings.other_nodes?.map((node) => node.toLowerCase()) ?? [];
  const away = cluster.elsewhere.filter(({ node }) => !others.includes(node.toLowerCase()));
  return new Map<string, Power>([
    ...away.map(({ name }) => [nameWithoutUuid(name), 'unknown'] as const),
    ...doubtful.map(({ name }) => [name, 'unknown'] as const),
    ...certain.map(
      ({ machine, mark }) =>
        [mark.name, mark.state === 'building' ? 'unknown' : powerOf(machine.listed.state)] as const,
    ),
  ]);
}

export function start(rig: Rig, instance: SizedInstance): Promise<void> {
  return alone(rig, instance, async () => powerOn(rig, instance, await takeBuilt(rig, instance)));
}

/** Brings adapters, CPUs and memory up to date and then the power on. */
export async function powerOn(rig: Rig, instance: SizedInstance, found: Found): Promise<void> {
  const hardware = hardwareOf(instance, rig.settings);
  const details = await rig.host.ask(steps.machine, { id: found.id });
  if (details.state !== 'Off') {
    if (!hasHardware(details, hardware)) throw otherHardware(found, details.state);
    if (details.state === 'Running') return;
    return order(rig, found, details.state.startsWith('Paused') ? 'resume' : 'start', isRunning);
  }
  await reshape(rig, found, hardware);
  await rewire(rig, found, details.adapters, hardware.wiring);
  await order(rig, found, 'start', isRunning);
}

/** Half-made machines are removed, since nothing else ever would; saved memory is left alone. */
export function stop(rig: Rig, instance: Instance, manner: StopManner): Promise<void> {
  return alone(rig, instance, async () => {
    const found = await takeIfThere(rig, instance);
    if (found === undefined) {
      rig.context.log('stop.missing');
    } else if (found.mark.state === 'building') {
      rig.context.log('stop.half-made', { machine: found.id });
      await removeMachine(rig, found);
    } else if (isSaved(found.state)) {
      rig.context.log('stop.saved', { machine: found.id, level: 'warn' });
    } else if (!isOff(found.state)) {
      await powerOff(rig, found, manner);
    }
  });
}

/** Asks the guest to restart by shutting it down, or resets it when it does not listen. */
export function reboot(rig: Rig, instance: Instance): Promise<void> {
  return alone(rig, instance, async () => {
    const found = await takeBuilt(rig, instance);
    if (powerOf(found.state) !== 'on') throw notRunning(found);
    const down = found.state === 'Running' && (await shutDown(rig, found));
    if (down) return order(rig, found, 'start', isRunning);
    try {
      await order(rig, found, 'reset', isRunning);
    } catch (thrown) {
      // A guest that only needed longer than its grace must not be left without power.
      if (!isOff(await look(rig, found.id))) throw thrown;
      await order(rig, found, 'start', isRunning);
    }
  });
}

/** Changed under a running guest, its network would be another one than everybody believes. */
function otherHardware({ name }: Found, state: string): Failure {
  return new Failure(
    'conflict',
    `${name} is ${state} with other NICs, CPUs or memory than it should have`,
    {
      advice: isSaved(state)
        ? 'Let it go on under its old network with Start-VM, or discard its memory with Remove-VMSavedState'
        : 'Stop it first',
    },
  );
}

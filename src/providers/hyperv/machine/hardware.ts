import type { Nic, SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { WantedAdapter } from '../api/command.ts';
import { steps } from '../api/commands.ts';
import type { Adapter, Details } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { Found } from './find.ts';
import { type Rig, refused } from './session.ts';
import { settle } from './settle.ts';

/*
 * CPUs, memory and network adapters as CloudStack wants them, and how far a machine is from that.
 */

/** What decides whether two adapters are on the same wire as the same card. */
export type Wiring = Pick<WantedAdapter, 'mac' | 'switch' | 'vlan'>;

/** Size and adapters that a machine shall have. */
export interface Hardware {
  readonly cpus: number;
  readonly memory: number;
  /** 0 for fixed memory. */
  readonly minimum: number;
  readonly wiring: readonly Wiring[];
}

/** Hyper-V hands memory out in steps of 2 MiB. */
const step = 2 * 1024 * 1024;

/** Fails with what cannot be had before anything is touched. */
export function hardwareOf(instance: SizedInstance, settings: Settings): Hardware {
  const memory = Math.ceil(instance.memoryBytes / step) * step;
  const { dynamic_memory_percent: percent } = settings;
  const share = percent === undefined || percent === 100 ? 0 : (memory * percent) / 100;
  return {
    cpus: instance.cpus,
    memory,
    // Less than 32 MiB is refused.
    minimum: share === 0 ? 0 : Math.max(32 * 1024 * 1024, Math.floor(share / step) * step),
    wiring: instance.nics.map((nic) => ({
      mac: nic.mac.replace(/:/g, '').toUpperCase(),
      switch: switchOf(nic, settings),
      vlan: vlanOf(nic, instance.name),
    })),
  };
}

/** Hyper-V's twelve digits as everybody else writes them. */
export function macWithColons(mac: string): string {
  return mac.toLowerCase().replace(/(..)(?=.)/g, '$1:');
}

/** By the network's UUID or name, as the operator wrote it down, or the one for all. */
export function switchOf(
  { network }: Nic,
  { network_switch, network_switches = [] }: Settings,
): string {
  const words = [network.uuid, network.name].map((word) => word?.toLowerCase());
  const pair = network_switches
    .map((each) => each.split('='))
    .find(([name = '']) => words.includes(name.trim().toLowerCase()));
  return pair?.[1]?.trim() ?? network_switch;
}

function vlanOf({ segment, deviceId }: Nic, name: string): number {
  if (segment.kind === 'vlan') return segment.id;
  if (segment.kind === 'untagged') return 0;
  const what = segment.kind === 'other' ? `is ${segment.uri}` : 'has no VLAN and is not untagged';
  throw new Failure('unsupported', `The network of NIC ${deviceId} of ${name} ${what}`, {
    advice: 'Hyper-V switches carry VLANs: use networks with vlan:// isolation, or vlan://untagged',
  });
}

export function hasHardware(details: Details, hardware: Hardware): boolean {
  return (
    details.cpus === hardware.cpus &&
    details.memory === hardware.memory &&
    isWiredAs(details.adapters, hardware.wiring)
  );
}

export function isWiredAs(adapters: readonly Adapter[], wiring: readonly Wiring[]): boolean {
  if (adapters.length !== wiring.length) return false;
  return adapters.every((adapter, i) => isSame(adapter, wiring[i]));
}

function isSame({ mac, dynamic, switch: name, mode, vlan }: Adapter, wanted?: Wiring): boolean {
  if (wanted === undefined || dynamic) return false;
  const tag = mode === 'Untagged' ? 0 : mode === 'Access' ? vlan : -1;
  const there = name.toLowerCase() === wanted.switch.toLowerCase();
  return there && mac.toUpperCase() === wanted.mac && tag === wanted.vlan;
}

/**
 * The wiring that a machine has today, to give it back after a checkpoint was applied.
 *
 * Fails for a mode that we never set and could not set again, such as a trunk.
 */
export function wiringOf({ adapters }: Details): readonly Wiring[] {
  return adapters.map(({ mac, switch: name, mode, vlan }) => {
    if (mode !== 'Access' && mode !== 'Untagged') {
      throw refused(
        'conflict',
        `The adapter ${mac} is in the VLAN mode ${mode}, which cannot be given back: stop and start the instance first, which sets its networks`,
      );
    }
    return { mac, switch: name, vlan: mode === 'Access' ? vlan : 0 };
  });
}

/** Sets size and policies of a machine that is off. */
export async function reshape(
  { host, settings }: Rig,
  { id, proof }: Found,
  { cpus, memory, minimum }: Omit<Hardware, 'wiring'>,
): Promise<void> {
  await host.ask(steps.shape, {
    ...{ id, proof, cpus, memory, minimum },
    startAction: startActions[settings.automatic_start_action],
    stopAction: stopActions[settings.automatic_stop_action],
    checkpointType: checkpointTypes[settings.checkpoint_type],
  });
}

/**
 * Sets the adapters, in the order that the guest numbers them. An adapter that is there is changed
 * in place, since the guest would take a new one for another card.
 */
export async function rewire(
  rig: Rig,
  found: Found,
  there: readonly Adapter[],
  wiring: readonly Wiring[],
  again = true,
): Promise<void> {
  if (isWiredAs(there, wiring)) return;
  const { id, proof } = found;
  const given = {
    ...{ id, proof },
    remove: there.slice(wiring.length).map((adapter) => adapter.id),
    adapters: wiring.map((wanted, i) => ({
      ...wanted,
      id: there[i]?.id ?? '',
      name: `NIC ${i}`,
    })),
  };
  await settle(
    rig,
    id,
    () => rig.host.ask(steps.wire, given),
    ({ adapters }) => isWiredAs(adapters, wiring),
    again ? ({ adapters }) => rewire(rig, found, adapters, wiring, false) : undefined,
  );
}

const startActions = {
  nothing: 'Nothing',
  startifrunning: 'StartIfRunning',
  start: 'Start',
} as const;
const stopActions = { shutdown: 'ShutDown', turnoff: 'TurnOff', save: 'Save' } as const;

export const checkpointTypes = {
  production: 'Production',
  productiononly: 'ProductionOnly',
  standard: 'Standard',
} as const;

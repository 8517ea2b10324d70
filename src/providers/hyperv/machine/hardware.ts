import type { Nic, SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { WantedAdapter } from '../api/command.ts';
import type { Adapter, Details } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { type HostMachine, readDetails } from './list.ts';
import type { Session } from './session.ts';

/*
 * CPUs, memory and network adapters as CloudStack wants them, and how far a machine is from that.
 */

/** The facts that decide whether two adapters are the same card on the same network. */
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

/** Hyper-V's twelve digits as all other systems write them. */
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
  const what = 'uri' in segment ? `is ${segment.uri}` : 'has no VLAN and is not untagged';
  throw new Failure('unsupported', `The network of NIC ${deviceId} of ${name} ${what}`, {
    advice: 'Hyper-V switches carry VLANs: use networks with vlan:// isolation, or vlan://untagged',
  });
}

export function isWiredAs(adapters: readonly Adapter[], wiring: readonly Wiring[]): boolean {
  if (adapters.length !== wiring.length) return false;
  return wiring.every((wanted) => adapters.some((adapter) => isSame(adapter, wanted)));
}

function isSame({ mac, dynamic, switch: name, mode, vlan }: Adapter, wanted: Wiring): boolean {
  if (dynamic) return false;
  const tag = mode === 'Untagged' ? 0 : mode === 'Access' ? vlan : -1;
  const there = name.toLowerCase() === wanted.switch.toLowerCase();
  return there && mac.toUpperCase() === wanted.mac && tag === wanted.vlan;
}

/** The adapters that become the wanted ones, in their order, and those that are too many. */
export interface Pairing {
  /** `undefined` where an adapter has to be added. */
  readonly kept: readonly (Adapter | undefined)[];
  readonly spare: readonly Adapter[];
}

/**
 * The adapter with a wanted MAC address is that card, wherever it is listed: Hyper-V promises no order. The
 * adapters that are left over become the cards that are not there yet.
 */
export function pairUp(there: readonly Adapter[], wiring: readonly Wiring[]): Pairing {
  const spare = [...there];
  const take = (at: number): Adapter | undefined => (at < 0 ? undefined : spare.splice(at, 1)[0]);
  const byMac = wiring.map(({ mac }) =>
    take(spare.findIndex((adapter) => adapter.mac.toUpperCase() === mac)),
  );
  return { kept: byMac.map((adapter) => adapter ?? take(0)), spare };
}

/** The wiring that a machine has today, to give it back after a checkpoint was applied. */
export function wiringOf({ adapters }: Details): readonly Wiring[] {
  return adapters.map(({ mac, switch: name, mode, vlan }) => ({
    mac,
    switch: name,
    vlan: mode === 'Access' ? vlan : 0,
  }));
}

/** Why the present wiring could not be restored: a mode such as a trunk, which we never set. */
export function whyNotWired({ adapters }: Details): string | undefined {
  const strange = adapters.find(({ mode }) => mode !== 'Access' && mode !== 'Untagged');
  if (strange === undefined) return undefined;
  const { mac, mode } = strange;
  return `The adapter ${mac} is in the VLAN mode ${mode}, which cannot be restored: stop and start the instance first, which sets its networks`;
}

/** Whether CPUs, memory and adapters of the machine are what the instance says. */
export async function hasHardware(
  session: Session,
  machine: HostMachine,
  instance: SizedInstance,
): Promise<boolean> {
  const { cpus, memory, wiring } = hardwareOf(instance, session.settings);
  const details = await readDetails(session, machine);
  const sized = details.cpus === cpus && details.memory === memory;
  return sized && isWiredAs(details.adapters, wiring);
}

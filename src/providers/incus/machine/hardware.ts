import type { Nic, SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { Config, Device, Devices, Machine } from '../api/wire.ts';
import type { Settings } from '../settings.ts';

/** CPUs and memory as configuration keys. */
export function sizeOf({ cpus, memoryBytes }: SizedInstance): Config {
  return { 'limits.cpu': String(cpus), 'limits.memory': String(memoryBytes) };
}

/** The devices of an instance with its NICs brought to what CloudStack says; all others stay. */
export function devicesFor(
  { incus: { type, devices, expanded_devices: all } }: Pick<Machine, 'incus'>,
  { nics }: SizedInstance,
  settings: Settings,
): Devices {
  const wanted = nicDevices(nics, settings, type);
  const others = Object.entries(devices).filter(
    ([, { type }]) => type !== 'nic' && type !== 'none',
  );
  return { ...Object.fromEntries(others), ...masked(all, wanted), ...wanted };
}

/** A profile's own NIC would be one that CloudStack knows nothing of: it is taken from the instance. */
function masked(all: Devices, wanted: Devices): Devices {
  const unwanted = Object.entries(all).filter(([name, { type }]) => {
    return (type === 'nic' || type === 'none') && wanted[name] === undefined;
  });
  return Object.fromEntries(unwanted.map(([name]) => [name, { type: 'none' }]));
}

export function nicDevices(nics: readonly Nic[], settings: Settings, type: string): Devices {
  return Object.fromEntries(
    nics.map((nic, at) => [
      `eth${at}`,
      nicDevice(nic, settings, type === 'container' ? at : undefined),
    ]),
  );
}

function nicDevice(nic: Nic, settings: Settings, at: number | undefined): Device {
  const { mac, rateMbps, mtu } = nic;
  const wire = wireOf(nic, settings);
  const { mac_filtering, ipv4_filtering } = settings;
  return {
    ...{ type: 'nic', hwaddr: mac, ...wire },
    ...(at === undefined ? {} : { name: `eth${at}` }),
    // A managed network has an MTU of its own and takes no other.
    ...(mtu === undefined || wire['network'] !== undefined ? {} : { mtu: String(mtu) }),
    ...(rateMbps === undefined
      ? {}
      : { 'limits.ingress': `${rateMbps}Mbit`, 'limits.egress': `${rateMbps}Mbit` }),
    ...(mac_filtering ? { 'security.mac_filtering': 'true' } : {}),
    ...(ipv4_filtering ? { 'security.ipv4_filtering': 'true' } : {}),
  };
}

/** A network that the settings cannot map is refused, never left out. */
function wireOf({ segment, deviceId }: Nic, settings: Settings): Device {
  const { network, bridge, vlan_network, vlan_bridge } = settings;
  const plain: Device | undefined =
    network !== undefined
      ? { network }
      : bridge !== undefined
        ? { nictype: 'bridged', parent: bridge }
        : undefined;
  if (segment.kind === 'untagged' && plain !== undefined) return plain;
  if (segment.kind === 'vlan') {
    const fill = (pattern: string): string => pattern.replace('{vlan}', String(segment.id));
    if (vlan_network !== undefined) return { network: fill(vlan_network) };
    if (vlan_bridge !== undefined) return { nictype: 'bridged', parent: fill(vlan_bridge) };
    if (plain !== undefined) return { ...plain, vlan: String(segment.id) };
  }
  throw new Failure(
    'unsupported',
    `NIC ${deviceId} is on ${wordsOf(segment)}, which no setting maps`,
    {
      advice:
        'Set "network" or "bridge", and for VLANs "vlan_network" or "vlan_bridge" where each has its own',
      tenant: `NIC ${deviceId} is on a network that this host cannot connect`,
    },
  );
}

function wordsOf(segment: Nic['segment']): string {
  if (segment.kind === 'vlan') return `VLAN ${segment.id}`;
  return 'uri' in segment ? `the network ${segment.uri}` : 'an untagged network';
}

/** Whether CPUs, memory and NICs are what the instance says, a profile's NICs included. */
export function hasHardware(
  machine: Machine,
  instance: SizedInstance,
  settings: Settings,
): boolean {
  const { config, devices } = machine.incus;
  const size = sizeOf(instance);
  const fits = Object.keys(size).every((key) => config[key] === size[key]);
  return fits && isEqual(devicesFor(machine, instance, settings), devices);
}

function isEqual(one: Devices, other: Devices): boolean {
  const text = (devices: Devices): string =>
    JSON.stringify(sorted(devices).map(([name, device]) => [name, sorted(device)]));
  return text(one) === text(other);
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

import type { Nic, Segment } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { Pairs } from '../settings-machine.ts';

/** Proxmox VE knows net0 to net31. */
const mostNics = 32;

/** The NICs of an instance as options of a machine, each under its device id. */
export function netsFor(
  settings: Settings,
  nics: readonly Nic[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(nics.map((nic) => [keyOf(nic), netFor(settings, nic)]));
}

function keyOf({ deviceId }: Nic): string {
  if (deviceId < mostNics) return `net${deviceId}`;
  throw new Failure('config', `NIC ${deviceId} is one too many: a machine has ${mostNics} at most`);
}

function netFor(settings: Settings, nic: Nic): string {
  const { network_model: model, network_firewall } = settings;
  const parts = [
    `${model}=${nic.mac.toUpperCase()}`,
    ...placeOf(settings, nic),
    ...(network_firewall ? ['firewall=1'] : []),
    ...mtuOf(settings, nic),
    ...rateOf(settings, nic),
    ...(nic.linkDown === true ? ['link_down=1'] : []),
  ];
  return parts.join(',');
}

/** The bridge or vnet that a NIC is plugged into, with its VLAN where that is ours to set. */
function placeOf(settings: Settings, nic: Nic): readonly string[] {
  const { vnet_map, network_map, trunk_map, network_bridge } = settings;
  const vnet = named(vnet_map, nic);
  if (vnet !== undefined) return [`bridge=${vnet}`];
  const { segment } = nic;
  if (isVnet(segment)) return [`bridge=${segment.name}`];
  const own = named(network_map, nic);
  const bridge = `bridge=${own ?? network_bridge}`;
  const trunk = named(trunk_map, nic);
  const trunks = trunk === undefined ? [] : [`trunks=${trunk}`];
  if (segment.kind === 'vlan') return [bridge, `tag=${segment.id}`, ...trunks];
  if (segment.kind === 'untagged') return [bridge, ...trunks];
  // Plugged into the usual bridge without a VLAN it would be in another tenant's network.
  if (own !== undefined && segment.kind === 'none') return [bridge, ...trunks];
  throw noPlace(nic);
}

/** A network that names its vnet itself, as the network half makes them; no other id is one. */
export function isVnet(segment: Segment): segment is Segment & { readonly kind: 'named' } {
  return segment.kind === 'named' && /^[A-Za-z][A-Za-z0-9]{1,7}$/.test(segment.name);
}

function noPlace({ deviceId, segment, network }: Nic): Failure {
  const what =
    'uri' in segment ? `belongs to ${segment.uri}` : 'says nothing about its network segment';
  const key = network.id ?? network.uuid ?? network.name ?? 'NETWORK';
  return new Failure('config', `NIC ${deviceId} ${what}, which no bridge or vnet is named for`, {
    advice: `Name one in the setting vnet_map: ${key}=VNET`,
  });
}

/** The value of a map for the NIC's network, which stands there under its UUID, id or name. */
function named(map: Pairs | undefined, { network }: Nic): string | undefined {
  const { uuid = '', id = '', name = '' } = network;
  return map?.get(uuid) ?? map?.get(id) ?? map?.get(name);
}

/** Only virtio takes an MTU; 1 stands for the bridge's. */
function mtuOf({ network_mtu, network_model }: Settings, { mtu }: Nic): readonly string[] {
  if (network_mtu === undefined || network_model !== 'virtio') return [];
  if (network_mtu === 'bridge') return ['mtu=1'];
  const wanted = network_mtu === 'network' ? mtu : Number(network_mtu);
  return wanted === undefined ? [] : [`mtu=${wanted}`];
}

/** Megabytes a second there, megabits here. */
function rateOf({ network_rate }: Settings, { rateMbps }: Nic): readonly string[] {
  return network_rate && rateMbps !== undefined ? [`rate=${rateMbps / 8}`] : [];
}

/** Whether two texts describe the same NIC; their order and case do not count. */
export function isSameNet(one: string | undefined, other: string): boolean {
  return one !== undefined && normal(one) === normal(other);
}

function normal(net: string): string {
  const parts = net.split(',').map((part) => {
    const [key = '', value = ''] = part.split(/=(.*)/s);
    return `${key}=${/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value) ? value.toUpperCase() : value}`;
  });
  return parts.sort().join(',');
}

export function netKeys(config: Config): readonly string[] {
  return Object.keys(config).filter((option) => /^net\d+$/.test(option));
}

/** The parts of a NIC that make up its network identity. */
export function netIdentity(net: string): string {
  const { bridge = '', tag = '', trunks = '' } = partsOf(net);
  return [macOf(net), bridge, tag, trunks].join(' ');
}

/**
 * The network segment of a NIC as far as it can be told. A vnet of the map is the operator's affair; a bridge
 * that no setting names is taken for the vnet of a network that names it itself.
 */
export function segmentOf(settings: Settings, net: string): { readonly segment?: Segment } {
  const { vnet_map, network_map, network_bridge } = settings;
  const { bridge = '', tag } = partsOf(net);
  if (vnet_map !== undefined && [...vnet_map.values()].includes(bridge)) return {};
  if (tag !== undefined) return { segment: { kind: 'vlan', id: Number(tag) } };
  const bridges = [network_bridge, ...(network_map?.values() ?? [])];
  if (bridges.includes(bridge)) return { segment: { kind: 'untagged' } };
  return { segment: { kind: 'named', name: bridge, uri: `vs://${bridge}` } };
}

export function macOf(net: string): string {
  return /[0-9a-f]{2}(:[0-9a-f]{2}){5}/i.exec(net)?.[0].toUpperCase() ?? '';
}

export function partsOf(net: string): Readonly<Record<string, string>> {
  return Object.fromEntries(net.split(',').map((part) => part.split(/=(.*)/s).slice(0, 2)));
}

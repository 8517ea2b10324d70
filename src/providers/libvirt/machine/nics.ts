import type { Nic } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { below, first, node, type XmlNode } from '../../../kit/xml/tree.ts';
import type { Settings } from '../settings.ts';

/** The place on the wire that a NIC is connected to. */
interface Wire {
  readonly kind: 'bridge' | 'network';
  readonly source: string;
  readonly portgroup?: string | undefined;
  readonly openVSwitch: boolean;
  readonly tag?: number | undefined;
}

/** A NIC as an element of a domain's description. */
export function nicElement(nic: Nic, settings: Settings): XmlNode {
  const { mac, mtu, rateMbps, linkDown } = nic;
  const { kind, source, portgroup, openVSwitch, tag } = wireOf(nic, settings);
  const average = rateMbps === undefined ? undefined : kibibytesOf(rateMbps);
  return node(
    'interface',
    { type: kind },
    node('mac', { address: mac }),
    node('source', { [kind]: source, portgroup }),
    openVSwitch ? node('virtualport', { type: 'openvswitch' }) : undefined,
    tag === undefined ? undefined : node('vlan', {}, node('tag', { id: tag })),
    node('model', { type: settings.nic_model }),
    linkDown === true ? node('link', { state: 'down' }) : undefined,
    mtu === undefined ? undefined : node('mtu', { size: mtu }),
    average === undefined
      ? undefined
      : node('bandwidth', {}, node('inbound', { average }), node('outbound', { average })),
  );
}

/** libvirt counts in KiB a second, and takes no rate of 0. */
function kibibytesOf(rateMbps: number): number {
  return Math.max(1, Math.round((rateMbps * 1_000_000) / 8 / 1024));
}

/** A network that the settings cannot map is refused, never left out. */
function wireOf({ segment, deviceId }: Nic, settings: Settings): Wire {
  const { network, bridge, bridge_type, vlan_bridge, vlan_network, vlan_portgroup } = settings;
  const openVSwitch = bridge_type === 'openvswitch';
  if (segment.kind === 'untagged') {
    if (network !== undefined) return { kind: 'network', source: network, openVSwitch: false };
    if (bridge !== undefined) return { kind: 'bridge', source: bridge, openVSwitch };
  }
  if (segment.kind === 'vlan') {
    const fill = (pattern: string): string => pattern.replace('{vlan}', String(segment.id));
    if (vlan_network !== undefined) {
      return { kind: 'network', source: fill(vlan_network), openVSwitch: false };
    }
    if (vlan_bridge !== undefined) {
      return { kind: 'bridge', source: fill(vlan_bridge), openVSwitch };
    }
    if (vlan_portgroup !== undefined && network !== undefined) {
      const portgroup = fill(vlan_portgroup);
      return { kind: 'network', source: network, portgroup, openVSwitch: false };
    }
    if (bridge !== undefined && openVSwitch) {
      return { kind: 'bridge', source: bridge, openVSwitch, tag: segment.id };
    }
  }
  throw new Failure(
    'unsupported',
    `NIC ${deviceId} is on ${wordsOf(segment)}, which no setting maps`,
    {
      advice:
        'Set "bridge" or "network"; for VLANs "vlan_bridge", "vlan_network" or "vlan_portgroup", or "bridge" with bridge_type=openvswitch',
      tenant: `NIC ${deviceId} is on a network that this host cannot connect`,
    },
  );
}

function wordsOf(segment: Nic['segment']): string {
  if (segment.kind === 'vlan') return `VLAN ${segment.id}`;
  return segment.kind === 'other' ? `the network ${segment.uri}` : 'an untagged network';
}

export function interfacesOf(domain: XmlNode): readonly XmlNode[] {
  return below(first(domain, 'devices'), 'interface');
}

export function macOf(nic: XmlNode): string {
  return (first(nic, 'mac')?.attributes['address'] ?? '').toLowerCase();
}

/** The VLAN of the NIC where the description says one itself. */
export function tagOf(nic: XmlNode): number | undefined {
  const id = first(nic, 'vlan', 'tag')?.attributes['id'];
  return id === undefined ? undefined : Number(id);
}

/**
 * The parts of a NIC that we set, as one text. While a guest runs, libvirt shows at a NIC of a network
 * also what that network gives it: only what is wanted can be looked for then.
 */
export function factsOf(nic: XmlNode, wanted: XmlNode): string {
  const source = first(nic, 'source')?.attributes ?? {};
  const { network, bridge, portgroup } = source;
  const rates = (from: XmlNode) =>
    ['inbound', 'outbound'].map((way) => first(from, 'bandwidth', way)?.attributes['average']);
  const mtu = (from: XmlNode) => first(from, 'mtu')?.attributes['size'];
  const isDown = first(nic, 'link')?.attributes['state'] === 'down';
  const own = [macOf(nic), first(nic, 'model')?.attributes['type'], network, portgroup, isDown];
  if (network !== undefined) {
    const asked = [mtu(wanted) && mtu(nic), first(wanted, 'bandwidth') && rates(nic)];
    return JSON.stringify([own, asked]);
  }
  const isOpen = first(nic, 'virtualport')?.attributes['type'] === 'openvswitch';
  return JSON.stringify([own, bridge, isOpen, tagOf(nic), mtu(nic), rates(nic)]);
}

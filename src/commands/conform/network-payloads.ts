import type { Members } from '../json.ts';
import type { SampleInstance } from './sample-instance.ts';

/*
 * Payloads of a network extension as CloudStack 4.23 writes them: every scalar is a text, and a command
 * carries no instance but in the data for the guest.
 */

export interface SampleNetwork {
  readonly id: number;
  readonly kind: 'l2' | 'shared' | 'isolated';
  /** The end of the network's URI; empty before a network of ours is implemented. */
  readonly vlan: string;
  readonly state: 'allocated' | 'setup' | 'implementing' | 'implemented' | 'shutdown';
}

/** The guest's part of a start. */
export interface SampleGuest {
  readonly hostname: string;
  readonly userData?: string;
  readonly publicKeys?: string;
  readonly password?: string;
}

export function networkPayload(
  registration: Readonly<Record<string, string>>,
  network: SampleNetwork,
  more: Members = {},
): Members {
  return {
    'physical-network-extension-details': { ...registration, physicalnetworkname: 'pn1' },
    'network-extension-details': {},
    payload: { ...networkBlock(network), ...more },
  };
}

function networkBlock({ id, kind, vlan, state }: SampleNetwork): Members {
  return {
    ...{ network_id: String(id), vlan, zone_id: '1', guest_type: kind, network_state: state },
    ...(kind === 'l2' ? {} : { gateway: '198.51.100.1', cidr: '198.51.100.0/24' }),
  };
}

/** A NIC's part of a command; `at` is its place in the instance. */
export function nicBlock(instance: SampleInstance, at: number, kind: SampleNetwork['kind']) {
  const nic = instance.nics[at] ?? {};
  return {
    nic_id: String(instance.id * 10 + at),
    nic_uuid: String(nic['nicUuid']),
    mac: String(nic['mac']),
    ip: kind === 'l2' ? '' : String(nic['ip']),
    default_nic: String(nic['defaultNic'] === true),
    device_id: String(nic['deviceId']),
  };
}

/** The list of `save-vm-data`, in CloudStack's order. */
export function vmData({ uuid }: SampleInstance, guest: SampleGuest): readonly Members[] {
  const entry = (dir: string, file: string, content: string) => ({ dir, file, content });
  const metadata = (file: string, content: string) => entry('metadata', file, content);
  const { hostname, userData, publicKeys = '', password } = guest;
  return [
    ...(userData === undefined ? [] : [entry('userdata', 'user_data', userData)]),
    metadata('service-offering', 'Small'),
    metadata('availability-zone', 'zone1'),
    metadata('local-hostname', hostname),
    metadata('local-ipv4', ''),
    metadata('instance-id', uuid),
    metadata('vm-id', uuid),
    metadata('public-keys', publicKeys),
    metadata('cloud-identifier', 'CloudStack-{7d3c1f52-0000-4000-8000-000000000001}'),
    ...(password === undefined ? [] : [entry('password', 'vm_password', password)]),
    metadata('hypervisor-host-name', ''),
  ];
}

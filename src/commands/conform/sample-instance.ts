import { randomBytes, randomUUID } from 'node:crypto';
import type { Prepared } from '../as-cloudstack/prepared.ts';
import type { Members } from '../json.ts';

/** An instance that conform invents. */
export interface SampleInstance {
  readonly id: number;
  readonly name: string;
  readonly uuid: string;
  readonly vncPassword: string;
  readonly nics: readonly Members[];
  /** The details that prepare handed back, as CloudStack has stored them since. */
  readonly stored: Readonly<Record<string, string | null>>;
}

/** An instance with a UUID, a name and a password of its own; `n` tells several apart. */
export function sampleInstance(n: number): SampleInstance {
  const id = 900_000 + randomBytes(2).readUInt16BE() + n;
  return {
    id,
    name: `i-2-${id}-VM`,
    uuid: randomUUID(),
    vncPassword: plantedSecret('vnc'),
    nics: [nic(0, 1577), nic(1, 1577), nic(2, undefined)],
    stored: {},
  };
}

/** The instance as CloudStack knows it once prepare has answered. */
export function withPrepared(
  instance: SampleInstance,
  { nics, details }: Prepared,
): SampleInstance {
  return {
    ...instance,
    nics: instance.nics.map((each) => ({
      ...each,
      ...nics.find(({ nicUuid }) => nicUuid === each['nicUuid']),
    })),
    stored: { ...instance.stored, ...details },
  };
}

/** A text that appears nowhere else, to be found again in an output. */
export function plantedSecret(word: string): string {
  return `planted-${word}-${randomBytes(9).toString('hex')}`;
}

/** Two NICs of one network carry the same `uuid`: it is the network's. */
function nic(deviceId: number, vlan: number | undefined): Members {
  const network = vlan === undefined ? 305 : 304;
  const uri = `vlan://${vlan ?? 'untagged'}`;
  const mac = ['02', ...[...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, '0'))];
  return {
    deviceId,
    networkRateMbps: 200,
    defaultNic: deviceId === 1,
    pxeDisable: false,
    nicUuid: randomUUID(),
    details: { MacAddressChanges: 'true', PromiscuousMode: 'false' },
    dpdkEnabled: false,
    networkId: network,
    networkSegmentName: `D1-A2-Z1-S${network}`,
    uuid: `7d3c1f52-0000-4000-8000-000000000${network}`,
    ip: `198.51.100.${10 + deviceId}`,
    netmask: '255.255.255.0',
    gateway: '198.51.100.1',
    mac: mac.join(':'),
    dns1: '198.51.100.2',
    broadcastType: 'Vlan',
    type: 'Guest',
    broadcastUri: uri,
    isolationUri: uri,
    securityGroupEnabled: false,
  };
}

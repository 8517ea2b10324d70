import { randomBytes, randomUUID } from 'node:crypto';

/*
 * Payloads as CloudStack 4.22 writes them, around an instance that nobody has: the same keys, types
 * and gaps per action, with two NICs on one network and letters that need care.
 */

/** The details an operator gives, by where CloudStack keeps them. */
export interface Details {
  readonly extension: Readonly<Record<string, string>>;
  readonly resourcemap: Readonly<Record<string, string>>;
  readonly host: Readonly<Record<string, string>>;
  readonly virtualmachine: Readonly<Record<string, string>>;
}

/** An instance that conform invents. */
export interface Invented {
  readonly id: number;
  readonly name: string;
  readonly uuid: string;
  readonly vncPassword: string;
  readonly nics: readonly Members[];
  /** What prepare handed back, as CloudStack has stored it since. */
  readonly stored: Readonly<Record<string, string | null>>;
}

export type Members = Readonly<Record<string, unknown>>;

/** A payload with an instance inside. */
export interface Payload extends Members {
  readonly 'cloudstack.vm.details': Members;
  readonly externaldetails: Members;
}

/** An instance with a UUID, a name and a password of its own; `n` tells several apart. */
export function invent(n: number): Invented {
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

/** A text that appears nowhere else, to be found again in an output. */
export function plantedSecret(word: string): string {
  return `planted-${word}-${randomBytes(9).toString('hex')}`;
}

const states: Readonly<Record<string, string>> = {
  prepare: 'Starting',
  create: 'Starting',
  start: 'Starting',
  stop: 'Stopping',
  delete: 'Expunging',
};

/** The payload of an action about an instance. */
export function payloadFor(action: string, instance: Invented, details: Details): Payload {
  return {
    caller,
    virtualmachineid: instance.uuid,
    'cloudstack.vm.details': vm(action, instance, details),
    virtualmachinename: instance.name,
    externaldetails: {
      extension: details.extension,
      host: details.host,
      resourcemap: details.resourcemap,
      virtualmachine: {
        ...details.virtualmachine,
        ...(action === 'create' || action === 'start' ? { 'cloudstack.vlan': '1577' } : {}),
      },
    },
  };
}

/** The payload of a custom action, which is told by its `action` key. */
export function customPayload(
  action: string,
  instance: Invented,
  details: Details,
  parameters: Members,
): Payload {
  return { ...payloadFor('custom', instance, details), action, parameters };
}

/** `statuses` speaks about a host and has no instance. */
export function statusesPayload({ extension, host, resourcemap }: Details): Members {
  return { caller: system, externaldetails: { extension, host, resourcemap } };
}

/** The same call as CloudStack 4.21 makes it. */
export function asIn421({ caller: _, ...payload }: Payload): Payload {
  const { virtualmachine: __, ...rest } = payload.externaldetails;
  return { ...payload, externaldetails: rest } as Payload;
}

/** The same call with keys that nobody knows yet, at every level. */
export function withUnknownKeys(payload: Payload): Payload {
  const more = { unheardof: { of: ['anything', 1, null] } };
  return {
    ...payload,
    ...more,
    'cloudstack.vm.details': { ...payload['cloudstack.vm.details'], ...more },
    externaldetails: { ...payload.externaldetails, unheardof: { key: 'value' } },
  };
}

const caller = {
  id: '5f0a7c1e-93b2-4d6e-8c55-2b1d0e9f7a01',
  name: 'conform',
  type: 'ADMIN',
  roleid: '5f0a7c1e-93b2-4d6e-8c55-2b1d0e9f7a02',
  rolename: 'Root Admin',
  roletype: 'Admin',
};
const system = { ...caller, name: 'system' };

function vm(action: string, instance: Invented, details: Details): Members {
  const wired = ['prepare', 'create', 'start', 'reboot'].includes(action);
  const started = action === 'create' || action === 'start';
  return {
    id: instance.id,
    name: instance.name,
    state: states[action] ?? 'Running',
    type: 'User',
    cpus: 1,
    minSpeed: 1000,
    maxSpeed: 1000,
    minRam: 536_870_912,
    maxRam: 536_870_912,
    arch: 'x86_64',
    bootArgs: '',
    enableHA: false,
    limitCpuUse: false,
    enableDynamicallyScaleVm: false,
    vncPassword: instance.vncPassword,
    details: vmDetails(action, instance, details),
    uuid: instance.uuid,
    enterHardwareSetup: false,
    disks: [],
    // In the order CloudStack has them: the default NIC first, not by deviceId.
    nics: wired ? [...instance.nics].sort((a, b) => order(b) - order(a)) : [],
    configDriveLocation: 'SECONDARY',
    ...(action === 'stop' ? {} : { guestOsDetails: {}, extraConfig: {} }),
    networkIdToNetworkNameMap: started ? { 304: 'D1-A2-Z1-S304', 305: 'D1-A2-Z1-S305' } : {},
    ...(started
      ? {
          metadataManufacturer: 'Apache Software Foundation',
          metadataProductName: 'CloudStack External Hypervisor',
        }
      : {}),
  };
}

function order(nic: Members): number {
  return nic['defaultNic'] === true ? 1 : 0;
}

function vmDetails(action: string, { stored }: Invented, { virtualmachine }: Details): Members {
  const external = Object.entries(virtualmachine).map(([key, value]) => [`External:${key}`, value]);
  return {
    cpuOvercommitRatio: '1.0',
    memoryOvercommitRatio: '1.0',
    rootDiskController: 'scsi',
    'a detail, with <letters> & "quotes"': `it's = ${'\u00fcber'}`,
    ...Object.fromEntries(external),
    ...stored,
    ...(action === 'prepare' || action === 'create' ? { deployvm: 'true' } : {}),
    ...(action === 'delete' ? { 'expunge.external.vm': 'true' } : {}),
  };
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

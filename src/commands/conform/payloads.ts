import type { Members } from '../json.ts';
import type { SampleInstance } from './sample-instance.ts';

/*
 * Payloads as CloudStack 4.22 writes them, around an instance that does not exist: the same keys, types
 * and gaps per action, with letters that need care.
 */

/** The details an operator gives, by where CloudStack keeps them. */
export interface Details {
  readonly extension: Readonly<Record<string, string>>;
  readonly resourcemap: Readonly<Record<string, string>>;
  readonly host: Readonly<Record<string, string>>;
  readonly virtualmachine: Readonly<Record<string, string>>;
}

/** A payload with an instance inside. */
export interface Payload extends Members {
  readonly 'cloudstack.vm.details': Members;
  readonly externaldetails: Members;
}

const states: Readonly<Record<string, string>> = {
  prepare: 'Starting',
  create: 'Starting',
  start: 'Starting',
  stop: 'Stopping',
  delete: 'Expunging',
};

/** The payload of an action about an instance. */
export function payloadFor(action: string, instance: SampleInstance, details: Details): Payload {
  return {
    caller: action === 'status' ? system : caller,
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
  instance: SampleInstance,
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

/** The same call with unknown keys at every level. */
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

function vm(action: string, instance: SampleInstance, details: Details): Members {
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
    nics: nicsFor(action, instance.nics),
    configDriveLocation: 'SECONDARY',
    ...(action === 'stop'
      ? {}
      : {
          ...{ guestOsDetails: {}, extraConfig: {} },
          networkIdToNetworkNameMap: started ? { 304: 'D1-A2-Z1-S304', 305: 'D1-A2-Z1-S305' } : {},
        }),
    ...(started
      ? {
          metadataManufacturer: 'Apache Software Foundation',
          metadataProductName: 'CloudStack External Hypervisor',
        }
      : {}),
  };
}

/** By deviceId, but the default NIC first where networks are at hand; most actions get none. */
function nicsFor(action: string, nics: readonly Members[]): readonly Members[] {
  if (action === 'prepare') return nics;
  if (action === 'reboot') return nics.map(({ dns1: _, networkRateMbps: __, ...rest }) => rest);
  if (action !== 'create' && action !== 'start') return [];
  return [...nics].sort((a, b) => Number(b['defaultNic']) - Number(a['defaultNic']));
}

function vmDetails(
  action: string,
  { stored }: SampleInstance,
  { virtualmachine }: Details,
): Members {
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

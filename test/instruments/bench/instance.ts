import { recorded } from '../../cloudstack/recorded.ts';
import type { Planted } from '../../conformance/backend.ts';
import type { Details, Vm } from '../../support/payloads.ts';

/** Which CloudStack the machines here belong to. */
export const installation = 'cloud-under-measure';

/** An instance that its host is to make with these choices. */
export function newInstance(id: number, chosen: Details): Vm {
  const hex = id.toString(16).padStart(4, '0');
  const mac = (nic: number): string => `02:01:${hex.slice(0, 2)}:${hex.slice(2)}:00:0${nic}`;
  const external = Object.entries(chosen).map(([key, value]) => [`External:${key}`, value]);
  return {
    id,
    uuid: uuidOf(id),
    name: nameOf(id),
    cpus: 2,
    memoryMb: 1024,
    nics: [0, 1].map((deviceId) => ({
      deviceId,
      uuid: `0b6a2f0e-9a54-4d4e-8df${deviceId}-00000000${hex}`,
      mac: mac(deviceId),
      vlan: 1577 + deviceId,
      ip: `10.1.${deviceId + 1}.23`,
    })),
    details: Object.fromEntries(external),
  };
}

/** The payload of a status call that is refused, since it names no instance. */
export function refusedPayload(): unknown {
  const {
    virtualmachineid: _,
    'cloudstack.vm.details': __,
    ...rest
  } = recorded('status', 'simulator');
  return rest;
}

/** What CloudStack keeps of a prepare answer: details as they come, NICs by their nicUuid. */
export function keep(vm: Vm, document: Readonly<Record<string, unknown>>): Vm {
  const { details = {}, nics = [] } = document as { details?: Details; nics?: readonly Details[] };
  const macs = new Map(nics.map(({ nicUuid, mac }) => [nicUuid, mac]));
  return {
    ...vm,
    details: { ...vm.details, ...details },
    nics: vm.nics.map((nic) => ({ ...nic, mac: macs.get(nic.uuid) ?? nic.mac })),
  };
}

/** A machine that is there, and runs, before anybody asks. */
export function standing(id: number): Planted {
  const own = { uuid: uuidOf(id), name: nameOf(id), installation } as const;
  return {
    name: own.name,
    power: 'on',
    mark: (remoteId) => ({ ...own, remoteId, state: 'built', origin: 'created' }),
  };
}

function uuidOf(id: number): string {
  return `8f4e2a6c-0e57-4a8b-a8d5-${id.toString(16).padStart(12, '0')}`;
}

function nameOf(id: number): string {
  return `i-2-${id}-VM`;
}

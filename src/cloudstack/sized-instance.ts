import * as v from 'valibot';
import type { SizedInstance } from '../contract/instance.ts';
import { describe, identity, type Read, read } from './instance.ts';
import { nicSchema, toNic } from './nic.ts';
import type { Payload } from './payload.ts';
import { number, scalar } from './scalars.ts';

/** The instance with its size, its NICs in the order of deviceId, and the data for its guest. */
export async function readSizedInstance(
  payload: Payload,
  storedKeys: readonly string[],
): Promise<Read<SizedInstance>> {
  const sized = readSize(payload, storedKeys);
  const vmData = (payload['cloudstack.vm.details'] as { vmData?: unknown } | undefined)?.vmData;
  if ('issues' in sized || vmData === undefined || vmData === null) return sized;
  const { guestDataFrom, readVmData, vmDataEntries } = await import('./vm-data.ts');
  const guest = guestDataFrom(readVmData(vmDataEntries(vmData), 'base64'), sized.value);
  return { value: { ...sized.value, guest } };
}

function readSize(payload: Payload, storedKeys: readonly string[]): Read<SizedInstance> {
  const schema = v.object({ ...identity(), ...size() });
  return read(schema, payload, (vm) => ({
    ...describe(vm, payload, storedKeys),
    cpus: vm.cpus,
    memoryBytes: vm.maxRam,
    nics: vm.nics.map(toNic).sort((a, b) => a.deviceId - b.deviceId),
    ...(vm.bootType === undefined
      ? {}
      : {
          boot: {
            firmware: vm.bootType.toUpperCase() === 'UEFI' ? 'uefi' : 'bios',
            secure: vm.bootMode?.toUpperCase() === 'SECURE',
          } as const,
        }),
  }));
}

function size() {
  return {
    cpus: number(1, 4096),
    maxRam: number(1024 * 1024, Number.MAX_SAFE_INTEGER),
    bootType: v.optional(scalar()),
    bootMode: v.optional(scalar()),
    nics: v.pipe(
      v.array(v.unknown(), 'must be a list'),
      // Counted before any is checked: checking a million would take too long.
      v.maxLength(64, 'must not have more than 64 NICs'),
      v.array(nicSchema()),
      v.check(
        (nics) => new Set(nics.map(({ deviceId }) => deviceId)).size === nics.length,
        'must not have the same deviceId twice',
      ),
    ),
  };
}

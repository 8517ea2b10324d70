import type { GuestFacts, GuestRecord } from '../../contract/guest-store.ts';
import { Failure, isKind } from '../../failure.ts';
import { readVmData, type VmData, type VmDatum } from '../vm-data.ts';
import { isObject } from './payload.ts';
import { type CommandNic, readNic } from './read.ts';

/** The record of a NIC as `save-vm-data` gives it. */
export function readGuest(fields: Readonly<Record<string, unknown>>, savedAt: Date): GuestRecord {
  const found = readNic(fields);
  const data = readVmData(entriesOf(fields['vm_data']), 'text');
  if (data.instanceUuid === undefined) {
    throw new Failure('usage', 'The data for the guest name no instance in "vm-id"');
  }
  return {
    ...recordOf(found, savedAt),
    instanceUuid: data.instanceUuid,
    data: factsOf(data),
    ...(data.password === undefined ? {} : { password: data.password }),
  };
}

/** The record of a NIC of which a command tells nothing more. */
export function recordOf({ uuid, networkId, nic }: CommandNic, savedAt: Date) {
  return { nicUuid: uuid, networkId, nic, savedAt };
}

/**
 * The instances of a restored network. One that cannot be read is left out: its own start sends its
 * data again, and a failure would put the whole zone out of use.
 */
export function readRestored(
  fields: Readonly<Record<string, unknown>>,
  savedAt: Date,
): readonly GuestRecord[] {
  const { network_id, restore_data } = fields;
  const vms: unknown = isObject(restore_data) ? restore_data['vms'] : undefined;
  if (!Array.isArray(vms)) return [];
  return vms.flatMap((vm: unknown): GuestRecord[] => {
    if (!isObject(vm) || entriesOf(vm['vm_data']).length === 0) return [];
    try {
      return [readGuest({ ...vm, network_id }, savedAt)];
    } catch (thrown) {
      if (isKind(thrown, 'usage')) return [];
      throw thrown;
    }
  });
}

function entriesOf(given: unknown): readonly VmDatum[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((entry: unknown): VmDatum[] => {
    if (!isObject(entry)) return [];
    const { dir, file, content } = entry;
    if (typeof dir !== 'string' || typeof file !== 'string') return [];
    return [{ dir, file, content: typeof content === 'string' ? content : '' }];
  });
}

function factsOf({ hostname, publicKeys, userData, metadata, system }: VmData): GuestFacts {
  return {
    ...{ hostname, publicKeys, metadata: readable(metadata) },
    ...(userData === undefined ? {} : { userData }),
    ...(system === undefined ? {} : { system }),
  };
}

/** CloudStack writes letters outside ASCII in these as a backslash, `u` and four digits. */
const escaped = ['service-offering', 'availability-zone', 'local-hostname'];

function readable(metadata: GuestFacts['metadata']): GuestFacts['metadata'] {
  const entries = Object.entries(metadata).map(([key, value]) => [
    key,
    escaped.includes(key) ? withLetters(value) : value,
  ]);
  return Object.fromEntries(entries) as GuestFacts['metadata'];
}

function withLetters(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

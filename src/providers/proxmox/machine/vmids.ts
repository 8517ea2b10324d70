import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { Settings } from '../settings.ts';

const alternatives = 8;

/**
 * The ids that an instance's machine may be made under, the first choice first; always the same.
 *
 * Every process that works for the instance comes to the same ids, so that a machine which a killed
 * process left half-made is found under one of them, and two instances hardly ever want the same.
 */
export function candidateIds({ vmid_range }: Settings, instance: Instance): readonly number[] {
  const { low, high } = vmid_range;
  const size = high - low + 1;
  const hint = instance.stored['proxmox_vmid'] ?? '';
  const prepared = /^\d{3,9}$/.test(hint) ? Number(hint) : 0;
  const inRange = prepared >= low && prepared <= high;
  const numbered = instance.id === undefined ? [] : [low + (instance.id % size)];
  const spread = Array.from(
    { length: alternatives },
    (_, turn) => low + (hash(`${instance.uuid}/${turn}`) % size),
  );
  return [...new Set([...(inRange ? [prepared] : []), ...numbered, ...spread])];
}

/** The failure when all of them are somebody's. */
export function noIdLeft({ vmid_range: { low, high } }: Settings): Failure {
  return new Failure('conflict', `No free id was found between ${low} and ${high}`, {
    advice: 'Widen vmid_range',
  });
}

/** FNV-1a and a final mix: near texts come to far numbers. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 16)) >>> 0;
}

import { Failure } from '../../failure.ts';
import type { Details } from './payloads.ts';

const levels = ['extension', 'resourcemap', 'host', 'virtualmachine'] as const;

/**
 * Details as they are typed: `key=value` is a detail of the host, `virtualmachine.key=value` one of
 * the instance, and likewise for `extension` and `resourcemap`.
 */
export function readKeyValues(words: readonly string[]): Details {
  const none = { extension: {}, resourcemap: {}, host: {}, virtualmachine: {} };
  return { ...none, ...readPlaced(words, levels) };
}

/** The details of each place that was named, and of the host for those without a place. */
export function readPlaced(
  words: readonly string[],
  places: readonly string[],
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const details: Record<string, Record<string, string>> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new Failure('usage', `"${word}" is no detail: it has to be key=value`);
    const name = word.slice(0, at);
    const level = places.find((each) => name.startsWith(`${each}.`)) ?? 'host';
    const key = name.startsWith(`${level}.`) ? name.slice(level.length + 1) : name;
    details[level] ??= {};
    const place = details[level];
    if (Object.hasOwn(place, key)) throw new Failure('usage', `"${name}" is given twice`);
    place[key] = word.slice(at + 1);
  }
  return details;
}

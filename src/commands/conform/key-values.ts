import { Failure } from '../../failure.ts';
import type { Details } from './payloads.ts';

const levels = ['extension', 'resourcemap', 'host', 'virtualmachine'] as const;

/**
 * Details as they are typed: `key=value` is a detail of the host, `virtualmachine.key=value` one of
 * the instance, and likewise for `extension` and `resourcemap`.
 */
export function readKeyValues(words: readonly string[]): Details {
  const details = { extension: {}, resourcemap: {}, host: {}, virtualmachine: {} } as Record<
    (typeof levels)[number],
    Record<string, string>
  >;
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new Failure('usage', `"${word}" is no detail: it has to be key=value`);
    const name = word.slice(0, at);
    const level = levels.find((each) => name.startsWith(`${each}.`));
    const key = level === undefined ? name : name.slice(level.length + 1);
    const place = details[level ?? 'host'];
    if (Object.hasOwn(place, key)) throw new Failure('usage', `"${name}" is given twice`);
    place[key] = word.slice(at + 1);
  }
  return details;
}

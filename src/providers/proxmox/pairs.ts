import * as v from 'valibot';
import { list } from '../../kit/fields.ts';

interface Shape {
  /** What may stand before the equals sign. */
  readonly key: RegExp;
  /** What may stand after it. */
  readonly value: RegExp;
  readonly wants: string;
}

/** `key=value,key=value` as a map; a key that comes twice is refused. */
export function pairs({ key, value, wants }: Shape): () => v.GenericSchema<string, Pairs> {
  return () =>
    v.pipe(
      list({ most: 1000 })(),
      v.check(
        (entries) => entries.every((entry) => isPair(entry, key, value)),
        `must be a comma-separated list of ${wants}`,
      ),
      v.transform((entries) => entries.map(split)),
      v.check(
        (entries) => new Set(entries.map(([name]) => name.toLowerCase())).size === entries.length,
        'must not name anything twice',
      ),
      v.transform((entries): Pairs => new Map(entries)),
    );
}

export type Pairs = ReadonlyMap<string, string>;

function isPair(entry: string, key: RegExp, value: RegExp): boolean {
  const [name, meant] = split(entry);
  return key.test(name) && value.test(meant);
}

function split(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry.trim(), ''] : [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
}

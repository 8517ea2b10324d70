import { Failure } from '../../failure.ts';
import { plainName } from '../../kit/plain-name.ts';

/** The name among these that an operator may write for people: without regard to case, blanks, `_` and `-`. */
export function meant(written: string, names: Iterable<string>): string {
  const all = [...names];
  if (all.includes(written)) return written;
  return all.find((name) => plainName(name) === plainName(written)) ?? written;
}

/** The same values under the names that are meant; throws `usage` where two keys mean one. */
export function underNames<Value>(
  given: Readonly<Record<string, Value>>,
  names: Iterable<string>,
  what: string,
): Record<string, Value> {
  const all = [...names];
  const result: Record<string, Value> = {};
  for (const [key, value] of Object.entries(given)) {
    const name = meant(key, all);
    if (Object.hasOwn(result, name)) {
      throw new Failure('usage', `The ${what} "${name}" is given twice`);
    }
    result[name] = value;
  }
  return result;
}

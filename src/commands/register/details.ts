import type { Fields } from '../../contract/field.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { Texts } from '../api/form.ts';
import type { Difference } from './plan.ts';

/** Which details are secrets: those the provider calls so, and those whose name says so. */
export function secretKeys(fields: Fields): ReadonlySet<string> {
  return new Set(
    Object.entries(fields)
      .filter(([, { secret }]) => secret === true)
      .flatMap(([key, { also = [] }]) => [key, ...also]),
  );
}

/** A detail's value for reading; never a secret. */
export function shownDetail(key: string, value: string, secrets: ReadonlySet<string>): string {
  if (key.endsWith('_file')) return value;
  const masked = createRedactor([]).value({ [key]: value }) as Texts;
  return secrets.has(key) || masked[key] !== value ? '(secret)' : value;
}

/** The differences between the details there are and the wanted ones; all others stay. */
export function detailDifferences(
  actual: Texts,
  wanted: Texts,
  secrets: ReadonlySet<string>,
  prefix = 'detail ',
): Difference[] {
  return Object.entries(wanted)
    .filter(([key, value]) => actual[key] !== value)
    .map(([key, value]) => {
      const before = actual[key];
      const to = shownDetail(key, value, secrets);
      const what = `${prefix}${key}`;
      return before === undefined
        ? { what, to }
        : { what, from: shownDetail(key, before, secrets), to };
    });
}

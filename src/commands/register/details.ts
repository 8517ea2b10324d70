import type { Fields } from '../../contract/field.ts';
import { createRedactor } from '../../kit/redact.ts';
import { flatten, type Texts } from '../api/form.ts';
import type { Change, Difference } from './plan.ts';

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

/** Every parameter that a change sends, as it is sent; ids of what is still to be made by their names. */
export function shownForm(change: Change, secrets: ReadonlySet<string>): Texts {
  const form = flatten(change.parameters((reference) => `<${reference}>`));
  const shown = Object.entries(form).map(([name, value]) => {
    const key = /\]\.(?:External:)?(.+)$/.exec(name)?.[1];
    return [name, key === undefined ? value : shownDetail(key, value, secrets)] as const;
  });
  return Object.fromEntries(shown);
}

/** The details of one place as they will be, and how they differ from those that are there. */
export interface Merged {
  readonly details: Texts;
  readonly differences: readonly Difference[];
}

/** The wanted details over those that others have put there, or without these where the operator prunes. */
export function mergeDetails(
  before: Texts,
  wanted: Texts,
  { prune, secrets }: { readonly prune: boolean; readonly secrets: ReadonlySet<string> },
): Merged {
  const removed = Object.entries(before).filter(([key]) => prune && !Object.hasOwn(wanted, key));
  return {
    details: prune ? wanted : { ...before, ...wanted },
    differences: [
      ...detailDifferences(before, wanted, secrets),
      ...removed.map(([key, value]) => ({
        ...{ what: `detail ${key}`, from: shownDetail(key, value, secrets), to: '(removed)' },
      })),
    ],
  };
}

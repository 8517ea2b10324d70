import type { Field, Fields } from '../contract/field.ts';
import { nearest } from '../kit/nearest.ts';
import { fillOnDemand, type Given, type Limits, readValue } from './detail-value.ts';
import type { Issues } from './issues.ts';
import type { Details } from './payload.ts';

/** A source of details under the operator's name for it. */
export interface Level {
  readonly name:
    | 'extension'
    | 'cluster registration'
    | 'network registration'
    | 'host'
    | 'instance'
    | 'action';
  readonly details: Details;
}

/** The values of a set of fields, and the secrets among them. */
export interface Resolved {
  readonly values: Readonly<Record<string, unknown>>;
  /** The given texts by key, without the defaults. */
  readonly texts: Details;
  readonly secrets: readonly string[];
}

export interface ResolveOptions extends Limits {
  /** From weak to strong. */
  readonly levels: readonly Level[];
  readonly issues: Issues;
  /** Levels at which these fields do not count, to name one that was set there by mistake. */
  readonly elsewhere?: () => readonly Level[];
  /** Leaves out values that are missing or refused, and takes the reason, in place of an issue. */
  readonly lenient?: (sentence: string) => void;
}

/** Fills every field from the strongest level that has it, through its schema, within its limit. */
export function resolveFields(fields: Fields, options: ResolveOptions): Resolved {
  const values: Record<string, unknown> = {};
  const texts: Record<string, string> = {};
  const secrets: string[] = [];
  const complain = (sentence: string): void =>
    options.lenient === undefined
      ? options.issues.add('config', sentence)
      : options.lenient(sentence);
  for (const [key, field] of Object.entries(fields)) {
    const given = strongest(key, field, options.levels, complain);
    if (given === undefined) {
      if (field.default !== undefined) fillOnDemand(values, key, field);
      else if (field.required === true) complain(missing(key, field, fields, options));
      continue;
    }
    const resolved = readValue(field, given, options);
    if ('issue' in resolved) complain(resolved.issue);
    else {
      values[key] = resolved.value;
      texts[key] = resolved.text;
      if (field.secret === true) secrets.push(resolved.text.trim());
    }
  }
  return { values, texts, secrets };
}

function strongest(
  key: string,
  field: Field,
  levels: readonly Level[],
  complain: (sentence: string) => void,
): Given | undefined {
  let found: Given | undefined;
  for (const { name, details } of levels) {
    const here = wordsFor(key, field)
      .map((word) => ({ level: name, key: word, text: own(details, word)?.trim() ?? '' }))
      .filter(({ text }) => text !== '');
    const [first, second] = here;
    if (first === undefined) continue;
    if (second !== undefined && second.text !== first.text) {
      complain(`${name} details "${first.key}" and "${second.key}" contradict each other`);
    }
    found = first;
  }
  return found;
}

function wordsFor(key: string, field: Field): string[] {
  const words = [key, ...(field.also ?? [])];
  return field.secret === true ? [...words, ...words.map((word) => `${word}_file`)] : words;
}

function missing(
  key: string,
  field: Field,
  fields: Fields,
  { levels, elsewhere }: ResolveOptions,
): string {
  const file = field.secret === true ? ` (or "${key}_file")` : '';
  const where = levels
    .map(({ name }) => name)
    .reverse()
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
  const misplaced = (elsewhere?.() ?? []).flatMap(({ name, details }) =>
    wordsFor(key, field)
      .filter((word) => own(details, word) !== undefined)
      .map((word) => `; the ${name} detail "${word}" does not count there`),
  );
  const unread = unreadKeys(levels, knownWords(fields));
  const word = nearest(
    key,
    unread.map((each) => each.key),
  );
  const near = unread.find((each) => each.key === word);
  const hint =
    near === undefined ? '' : `; did you mean "${key}" by the ${near.level} detail "${near.key}"?`;
  return `"${key}"${file} is missing: set it on the ${where}${hint}${misplaced[0] ?? ''}`;
}

/** Details come as JSON, in which `constructor` is a key like any other. */
function own(details: Details, key: string): string | undefined {
  return Object.hasOwn(details, key) ? details[key] : undefined;
}

/** Keys that are not known, with the known key that each may be meant for. */
export function unknownDetails(
  levels: readonly Level[],
  known: ReadonlySet<string>,
): readonly { readonly level: string; readonly key: string; readonly meant?: string }[] {
  return unreadKeys(levels, known).map((unread) => {
    const meant = nearest(unread.key, [...known]) ?? withUnit(unread.key, known);
    return meant === undefined ? unread : { ...unread, meant };
  });
}

/** The known word that only goes on, such as `disk_size_gb` for `disk_size`. */
function withUnit(key: string, known: ReadonlySet<string>): string | undefined {
  return [...known].find((word) => word.startsWith(`${key.toLowerCase()}_`));
}

function unreadKeys(levels: readonly Level[], known: ReadonlySet<string>) {
  return levels.flatMap(({ name: level, details }) =>
    Object.keys(details)
      .filter((key) => !known.has(key))
      .map((key) => ({ level, key })),
  );
}

/** Every word under which one of the fields may be given. */
export function knownWords(...sets: readonly Fields[]): Set<string> {
  return new Set(
    sets.flatMap((fields) => Object.entries(fields).flatMap(([key, f]) => wordsFor(key, f))),
  );
}

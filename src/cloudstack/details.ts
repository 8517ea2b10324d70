import * as v from 'valibot';
import { Failure } from '../failure.ts';
import { matchesAny } from '../kit/fields.ts';
import { nearest } from '../kit/nearest.ts';
import { readSecretFile } from '../kit/secrets.ts';
import type { Field, Fields } from '../provider.ts';
import type { Issues } from './issues.ts';
import type { Details } from './payload.ts';

/** One place that details come from, under the name the operator knows it by. */
export interface Level {
  readonly name: 'extension' | 'cluster registration' | 'host' | 'instance' | 'action';
  readonly details: Details;
}

/** What a set of fields came to, and what has to be kept out of every text from now on. */
export interface Resolved {
  readonly values: Readonly<Record<string, unknown>>;
  /** What was given, as text, by key; without the defaults. */
  readonly texts: Details;
  readonly secrets: readonly string[];
}

interface Given {
  readonly level: Level['name'];
  readonly key: string;
  readonly text: string;
}

export interface ResolveOptions {
  /** From weak to strong. */
  readonly levels: readonly Level[];
  readonly secretsDirectory: string;
  readonly issues: Issues;
  /** The settings that limit what an instance may choose. */
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Leaves out what is missing or refused instead of complaining about it. */
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
      else if (field.required === true) complain(missing(key, field, fields, options.levels));
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

/** Most calls look at few settings: a default becomes a value when somebody asks for it. */
function fillOnDemand(values: Record<string, unknown>, key: string, field: Field): void {
  const property = { configurable: true, enumerable: true };
  Object.defineProperty(values, key, {
    ...property,
    get() {
      const value = v.parse(field.schema(), field.default ?? '');
      Object.defineProperty(values, key, { ...property, value });
      return value;
    },
  });
}

function readValue(
  field: Field,
  given: Given,
  { secretsDirectory, limits = {} }: ResolveOptions,
): { readonly value: unknown; readonly text: string } | { readonly issue: string } {
  const value = field.secret === true ? '' : ` is ${quote(given.text)} and`;
  const shown = `${given.level} detail "${given.key}"${value}`;
  let { text } = given;
  if (field.file === true || (field.secret === true && given.key.endsWith('_file'))) {
    // What lies in the secrets directory would go to whomever an instance belongs to.
    if (given.level === 'instance') return { issue: `${shown} may not name a file` };
    try {
      text = readSecretFile(secretsDirectory, text);
    } catch (error) {
      return { issue: `${given.level} detail "${given.key}": ${Failure.from(error).message}` };
    }
  }
  const result = v.safeParse(field.schema(), text);
  if (!result.success) return { issue: `${shown} ${result.issues[0].message}` };
  const limit = field.within === undefined ? undefined : limits[field.within];
  if (given.level === 'instance' && !isWithin(result.output, text, limit)) {
    return { issue: `${shown} is not allowed by the operator's "${field.within}"` };
  }
  return { value: result.output, text };
}

function isWithin(value: unknown, text: string, limit: unknown): boolean {
  if (typeof limit === 'number') return typeof value === 'number' && value <= limit;
  return Array.isArray(limit) ? matchesAny(text.trim(), limit as string[]) : true;
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

function missing(key: string, field: Field, fields: Fields, levels: readonly Level[]): string {
  const file = field.secret === true ? ` (or "${key}_file")` : '';
  const where = levels
    .map(({ name }) => name)
    .filter((name) => name !== 'action')
    .reverse()
    .join(', ');
  const known = new Set(Object.entries(fields).flatMap(([word, each]) => wordsFor(word, each)));
  const unknown = levels.flatMap(({ name, details }) =>
    Object.keys(details)
      .filter((word) => !known.has(word))
      .map((word) => ({ name, word })),
  );
  const near = nearest(
    key,
    unknown.map(({ word }) => word),
  );
  const level = unknown.find(({ word }) => word === near)?.name;
  const hint =
    near === undefined ? '' : `; did you mean "${key}" by the ${level} detail "${near}"?`;
  return `"${key}"${file} is missing: it is to be a detail of the ${where}${hint}`;
}

/** Details are somebody's JSON: `constructor` and the like are keys as good as any. */
function own(details: Details, key: string): string | undefined {
  return Object.hasOwn(details, key) ? details[key] : undefined;
}

function quote(text: string): string {
  // Somebody's address may hold a password, which is no secret by its key. Not by a pattern: it
  // would begin again at every slash of a text that may be long.
  const [start, end] = [text.indexOf('//'), text.lastIndexOf('@')];
  const shown = start >= 0 && end > start ? `${text.slice(0, start)}//***${text.slice(end)}` : text;
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}...` : shown);
}

/** Keys that nobody reads, with the known key that each may be meant for. */
export function unknownDetails(
  levels: readonly Level[],
  known: ReadonlySet<string>,
): readonly { readonly level: string; readonly key: string; readonly meant?: string }[] {
  return levels.flatMap(({ name, details }) =>
    Object.keys(details)
      .filter((key) => !known.has(key))
      .map((key) => {
        const meant = nearest(key, [...known]);
        return { level: name, key, ...(meant === undefined ? {} : { meant }) };
      }),
  );
}

/** Every word under which one of the fields may be given. */
export function knownWords(...sets: readonly Fields[]): Set<string> {
  return new Set(
    sets.flatMap((fields) => Object.entries(fields).flatMap(([key, f]) => wordsFor(key, f))),
  );
}

import * as v from 'valibot';
import type { Field } from '../contract/field.ts';
import { expectFailure } from '../failure.ts';
import { matchesAny } from '../kit/fields.ts';
import { readSecretFile } from '../kit/secrets.ts';
import type { Level } from './details.ts';

/** A detail as an operator or tenant wrote it, with its place. */
export interface Given {
  readonly level: Level['name'];
  readonly key: string;
  readonly text: string;
}

/** The directory that a text may name a file of, and the operator's limits. */
export interface Limits {
  readonly secretsDirectory: string;
  /** The settings that limit the choices of an instance. */
  readonly limits?: Readonly<Record<string, unknown>>;
}

/** The value with its text (of a file: the content), or the sentence that refuses it. */
export function readValue(
  field: Field,
  given: Given,
  { secretsDirectory, limits = {} }: Limits,
): { readonly value: unknown; readonly text: string } | { readonly issue: string } {
  const value = field.secret === true ? '' : ` is ${quote(given.text)} and`;
  const shown = `${given.level} detail "${given.key}"${value}`;
  let { text } = given;
  if (field.file === true || (field.secret === true && given.key.endsWith('_file'))) {
    // A tenant could read every file of the secrets directory through an own instance.
    if (given.level === 'instance') return { issue: `${shown} may not name a file` };
    try {
      text = readSecretFile(secretsDirectory, text);
    } catch (error) {
      return { issue: `${given.level} detail "${given.key}": ${expectFailure(error).message}` };
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

/** A number limits a number by its size and a text by its length. */
function isWithin(value: unknown, text: string, limit: unknown): boolean {
  if (typeof limit === 'number') {
    return (typeof value === 'number' ? value : text.length) <= limit;
  }
  return Array.isArray(limit) ? matchesAny(text, limit as string[]) : true;
}

function quote(text: string): string {
  // An address may hold a password although its key is not secret. No pattern finds it: one would
  // begin again at every slash of a text that may be long.
  const [start, end] = [text.indexOf('//'), text.lastIndexOf('@')];
  const shown = start >= 0 && end > start ? `${text.slice(0, start)}//***${text.slice(end)}` : text;
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}...` : shown);
}

/** Most calls read few settings: a default is parsed when its value is read. */
export function fillOnDemand(values: Record<string, unknown>, key: string, field: Field): void {
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

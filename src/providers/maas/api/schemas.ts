import * as v from 'valibot';
import { Failure } from '../../../failure.ts';

/* The parts that the answers of MAAS are made of, and how they are read. */

export function text() {
  return v.fallback(v.nullish(v.string(), ''), '');
}

/** As `text`, on one line: a text that a machine reports about itself may end up in a failure. */
export function line() {
  return v.pipe(
    text(),
    v.transform((given) => oneLine(given, 200)),
  );
}

export function number() {
  return v.fallback(v.nullish(v.number(), 0), 0);
}

export function read<S extends v.GenericSchema>(
  schema: S,
  json: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const path = v.getDotPath(result.issues[0]) ?? 'the answer';
  throw strange(what, ` (${path}: ${result.issues[0].message})`);
}

export function strange(what: string, why = ''): Failure {
  return new Failure('upstream', `MAAS sent something that is not ${what}${why}`);
}

/** The remote system's text as one line of a sentence, without what steers a terminal; cut at `most`. */
export function oneLine(given: string, most: number): string {
  // Nearly all are plain, and for the second expression V8 first reads all of Unicode.
  const line = /^[ -~]*$/.test(given) ? given : given.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ');
  const plain = line.trim();
  return plain.length > most ? `${plain.slice(0, most)}...` : plain;
}

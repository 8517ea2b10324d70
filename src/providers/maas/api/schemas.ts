import * as v from 'valibot';
import { Failure } from '../../../failure.ts';
import { oneLine } from './one-line.ts';

/* What the answers of MAAS are made of, and how they are read. */

export function text() {
  return v.fallback(v.nullish(v.string(), ''), '');
}

/** As `text`, on one line: whatever a machine reports about itself may end up in a failure. */
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

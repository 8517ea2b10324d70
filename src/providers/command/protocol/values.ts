import * as v from 'valibot';

/** The version that stands in every request and in every answer. */
export const protocolVersion = 1;

/*
 * The values that several primitives share. Descriptions are for `outrigger driver schema`, where the
 * author of a driver reads them.
 */

// One line: a control character would break logs and terminals.
// biome-ignore lint/suspicious/noControlCharactersInRegex: matched on purpose
const oneLine = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/;

export function line(most: number, about: string) {
  return v.pipe(
    v.string(),
    v.maxLength(most),
    v.regex(oneLine, 'must be one line without control characters'),
    v.description(about),
  );
}

export function machineId() {
  return v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(200),
    v.regex(oneLine, 'must be one line without control characters'),
    v.description('The id by which your system knows the machine, for as long as it lives'),
  );
}

export function markText() {
  return v.pipe(
    v.string(),
    v.maxLength(2000),
    v.description('The text that proves whose machine this is: keep it and give it back unchanged'),
  );
}

export const states = ['on', 'paused', 'off', 'saved', 'unknown'] as const;

export function state() {
  return v.pipe(
    v.picklist(states),
    v.description(
      'paused: halted in memory; saved: off with its memory on disk; unknown: neither certainly on nor certainly off',
    ),
  );
}

export function count(most: number, about: string) {
  return v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most), v.description(about));
}

export function flag(about: string) {
  return v.pipe(v.boolean(), v.description(about));
}

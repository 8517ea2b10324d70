import * as v from 'valibot';

/*
 * The schemas of details. Each takes the text that an operator or tenant wrote; its message says
 * which text would be valid, and the caller adds the name of the detail.
 */

type Text<Value> = () => v.GenericSchema<string, Value>;

interface Length {
  readonly most?: number;
  /** The characters it may hold, as a pattern for the whole text. */
  readonly pattern?: RegExp;
  /** The pattern in words; required with a pattern. */
  readonly wants?: string;
}

// A control character in a detail is always a mistake. Not \p{Cc}: for that, V8 first reads all of Unicode.
// biome-ignore lint/suspicious/noControlCharactersInRegex: matched on purpose
const printable = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/;

/** One line without control characters, not blank; 255 characters unless said otherwise. */
export function text({ most = 255, pattern, wants }: Length = {}): Text<string> {
  return () =>
    v.pipe(
      v.string(),
      v.trim(),
      v.minLength(1, 'must not be empty'),
      v.maxLength(most, `must not be longer than ${most} characters`),
      v.regex(printable, 'must be one line without control characters'),
      v.check((line) => pattern === undefined || pattern.test(line), `must be ${wants}`),
    );
}

/** Any text, line breaks included, as it stands. */
export function longText(most: number): Text<string> {
  return () => v.pipe(v.string(), v.maxLength(most, `must not be longer than ${most} characters`));
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** `3`, `3.0` and ` 3 ` are 3; nothing else is a number here. */
export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER }: Range = {}): Text<number> {
  const wants = `must be a whole number from ${min} to ${max}`;
  return () =>
    v.pipe(
      v.string(),
      v.trim(),
      v.regex(/^[+-]?\d{1,16}(\.0+)?$/, wants),
      v.transform(Number),
      v.minValue(min, wants),
      v.maxValue(max, wants),
    );
}

/** true or false, also written as yes/no, on/off or 1/0, in any case. */
export function yesNo(): v.GenericSchema<string, boolean> {
  return v.pipe(
    v.string(),
    v.trim(),
    v.toLowerCase(),
    v.picklist(
      ['true', 'false', 'yes', 'no', 'on', 'off', '1', '0'],
      'must be true or false (also yes, no, on, off, 1, 0)',
    ),
    v.transform((word) => ['true', 'yes', 'on', '1'].includes(word)),
  );
}

/** One of a few words, in any case. */
export function oneOf<const Words extends readonly string[]>(...words: Words): Text<Words[number]> {
  return () =>
    v.pipe(
      v.string(),
      v.trim(),
      v.toLowerCase(),
      v.picklist(words, `must be one of ${words.join(', ')}`),
    );
}

/** A comma-separated list; blanks around the commas do not count, empty entries are dropped. */
export function list({ most = 100, pattern, wants }: Length = {}): Text<readonly string[]> {
  return () =>
    v.pipe(
      v.string(),
      v.regex(printable, 'must be one line without control characters'),
      v.transform((line) =>
        line
          .split(',')
          .map((entry) => entry.trim())
          .filter((entry) => entry !== ''),
      ),
      v.maxLength(most, `must not have more than ${most} entries`),
      v.check(
        (entries) => pattern === undefined || entries.every((entry) => pattern.test(entry)),
        `must be a comma-separated list of ${wants}`,
      ),
    );
}

/** A comma-separated list of names in which `*` stands for anything. */
export const patterns: Text<readonly string[]> = list({ most: 200 });

/** Whether a text matches one of the patterns as a whole. */
export function matchesAny(text: string, allowed: readonly string[]): boolean {
  return allowed.some((pattern) => matches(text, pattern.split('*')));
}

/** Piece by piece: an expression with many wildcards would try for ever. */
function matches(text: string, [first = '', ...rest]: readonly string[]): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at + last.length <= text.length;
}

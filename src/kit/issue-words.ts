import * as v from 'valibot';

/*
 * The mistakes of a file that people write, in words that need no knowledge of the parser. A value is
 * never quoted: it may be a secret that stands under the wrong key.
 */

/** An object with exactly these members; valibot alone would take a list for one. */
export function members<const E extends v.ObjectEntries>(entries: E) {
  return v.pipe(
    v.custom<object>((given) => !Array.isArray(given), 'must be an object'),
    v.strictObject(entries),
  );
}

/** All mistakes, such as `"log.level" must be one of debug, info, warn`. */
export function issueWords(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.map((issue) => `${placeOf(issue)} ${faultOf(issue)}`).join('; ');
}

function placeOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? 'its content' : `"${path}"`;
}

function faultOf(issue: v.BaseIssue<unknown>): string {
  const { expected, input, message, type } = issue;
  if (expected === 'never') return 'is not known';
  if (message.startsWith('must')) {
    return input === undefined ? 'is missing' : besideKind(message, input);
  }
  if (input === undefined) return 'is missing';
  return besideKind(`must be ${expectedWords(expected ?? type)}`, input);
}

/** The kind is told where it is the mistake itself. */
function besideKind(message: string, input: unknown): string {
  const kind = kindOf(input);
  return /must be (an object|a list|a text|true or false)$/.test(message)
    ? `${message}, not ${kind}`
    : message;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const kinds: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    boolean: 'true or false',
  };
  return kinds[typeof value] ?? 'an object';
}

const kinds: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  integer: 'a whole number',
};

/** `("a" | "b")` is a choice of words, `(string | number)` one of kinds, `>=1` a limit. */
function expectedWords(expected: string): string {
  const limit = /^([<>]=?)(\d+)$/.exec(expected);
  if (limit !== null) return `${limit[1]?.startsWith('>') ? 'at least' : 'at most'} ${limit[2]}`;
  const words = expected.replace(/^\(|\)$/g, '').split(' | ');
  const named = words.map((word) => kinds[word] ?? word.replace(/^"|"$/g, ''));
  if (named.length === 1) return named[0] ?? expected;
  return words.every((word) => word in kinds) ? named.join(' or ') : `one of ${named.join(', ')}`;
}

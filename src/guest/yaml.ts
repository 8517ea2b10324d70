/** A value that can stand in a YAML document. */
export type Yaml =
  | string
  | number
  | boolean
  | readonly Yaml[]
  | { readonly [key: string]: Yaml | undefined };

/**
 * The value as one line of YAML, in which every text is quoted.
 *
 * It is JSON but for letters outside the first plane: JSON's halves of them are no letters in YAML, and
 * some readers refuse characters that cannot be printed. So that all but plain ASCII is written as a
 * code, and no text of a tenant can end its quotes.
 */
export function yaml(value: Yaml): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(yaml).join(', ')}]`;
  const entries = Object.entries(value).flatMap(([key, each]) =>
    each === undefined ? [] : [`${quoted(key)}: ${yaml(each)}`],
  );
  return `{${entries.join(', ')}}`;
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}

/** Half a letter becomes U+FFFD, as in every text that leaves as UTF-8. */
function quoted(text: string): string {
  return `"${Array.from(text, coded).join('')}"`;
}

function coded(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  if (letter === '"' || letter === '\\') return `\\${letter}`;
  if (code >= 0x20 && code < 0x7f) return letter;
  if (code >= 0xd800 && code < 0xe000) return '\\ufffd';
  const digits = code.toString(16);
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

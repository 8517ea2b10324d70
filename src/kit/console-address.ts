import * as v from 'valibot';
import { text } from './fields.ts';

/** An operator's address of consoles, with words in braces in place of the instance's values. */
export interface ConsoleAddress<Word extends string> {
  /** Accepts an https:// address without credentials in which only these words are in braces. */
  readonly schema: () => v.GenericSchema<string, string>;
  /** Fills values into an address that passed the schema; no value can change its host. */
  readonly fill: (address: string, values: Readonly<Record<Word, string>>) => string;
}

/** Such as `consoleAddress('name', 'uuid')` for `https://console.example.org/{uuid}`. */
export function consoleAddress<Word extends string>(
  ...words: readonly Word[]
): ConsoleAddress<Word> {
  const named = words.map((word) => `{${word}}`).join(', ');
  const wants = `must be an https:// address in which only ${named.replace(/, ([^,]*)$/, ' and $1')} vary`;
  const fill = (address: string, pick: (word: Word) => string): string =>
    fillWords(address, Object.fromEntries(words.map((word) => [word, pick(word)])));
  return {
    schema: () =>
      v.pipe(
        text({ most: 500, pattern: /^\S+$/, wants: 'an address without blanks' })(),
        v.check((address) => isSafe(fill(address, () => 'word')), wants),
      ),
    fill: (address, values) => fill(address, (word) => values[word]),
  };
}

/** Fills values into an address that passed its schema, in place of their words in braces. */
export function fillWords(address: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (filled, [word, value]) => filled.split(`{${word}}`).join(encodeURIComponent(value)),
    address,
  );
}

function isSafe(filled: string): boolean {
  if (!filled.startsWith('https://') || /[{}]/.test(filled)) return false;
  try {
    const { username, password } = new URL(filled);
    return username === '' && password === '';
  } catch {
    return false;
  }
}

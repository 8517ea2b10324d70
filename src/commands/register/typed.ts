import { resolve } from 'node:path';
import { knownWords } from '../../cloudstack/details.ts';
import type { Fields } from '../../contract/field.ts';
import { Failure } from '../../failure.ts';
import type { CommandCall } from '../command.ts';
import { secretKeys } from './details.ts';
import { meant } from './meant.ts';
import { readSecret } from './setup.ts';

/** The details of --detail and --secret; throws `usage` for a secret on the command line. */
export function typedDetails(texts: CommandCall['texts'], fields: Fields): Record<string, string> {
  const words = knownWords(fields);
  const typed = (option: string, word: string): readonly [string, string] => {
    const [key, value] = keyAndValue(option, word);
    return [meant(key, words), value];
  };
  const plain = texts('detail').map((word) => typed('--detail', word));
  const leaked = plain.find(([key]) => secretKeys(fields).has(key))?.[0];
  if (leaked !== undefined) {
    throw new Failure('usage', `"${leaked}" is a secret, and command lines can be read by all`, {
      advice: `Give --secret ${leaked}=FILE, or --detail ${leaked}_file=NAME in the secrets directory`,
    });
  }
  const files = texts('secret').map((word) => {
    const [key, file] = typed('--secret', word);
    return [key, readSecret(resolve(file))] as const;
  });
  const given = [...plain, ...files];
  const keys = given.map(([key]) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw new Failure('usage', `The detail "${twice}" is given twice`);
  return Object.fromEntries(given);
}

export function keyAndValue(option: string, word: string): readonly [string, string] {
  const at = word.indexOf('=');
  if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)];
  const form = option === '--secret' ? 'KEY=FILE' : 'KEY=VALUE';
  throw new Failure('usage', `${option} has to be ${form}`);
}

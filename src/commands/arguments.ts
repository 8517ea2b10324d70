import { parseArgs } from 'node:util';
import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import type { Command, Option } from './command.ts';

/** A command line, taken apart into its options and the rest. */
export interface Given {
  readonly positionals: readonly string[];
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly help: boolean;
  readonly json: boolean;
}

/** The options that every command has. */
export const commonOptions: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', about: 'Explain this command' },
  json: { type: 'boolean', about: 'Print one JSON document' },
};

/** Reads what follows the command's name; throws `usage` with what was meant, where that is plain. */
export function readArguments(name: string, command: Command, args: readonly string[]): Given {
  const options = { ...commonOptions, ...command.options };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([key, { type }]) => [
        key,
        key === 'help' ? { type, short: 'h' } : { type },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const value = optionValue(token, options);
    if (!isRepeatable(options, token.name) && values.has(token.name)) {
      throw usage(name, `${token.rawName} is given twice`);
    }
    values.set(token.name, [...(values.get(token.name) ?? []), value]);
  }
  const given = { positionals, values, help: values.has('help'), json: values.has('json') };
  if (!given.help) checkCount(name, command, positionals);
  return given;

  function optionValue(token: OptionToken, known: typeof options): string {
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) {
      const near = nearest(token.name, Object.keys(known));
      const hint = near === undefined ? '' : `; did you mean --${near}?`;
      throw usage(name, `There is no option ${token.rawName}${hint}`);
    }
    if (option.type === 'boolean') {
      if (token.value === undefined) return '';
      throw usage(name, `${token.rawName} takes no value`);
    }
    const { value = '' } = token;
    // An empty one is what a script makes of a variable that is not set.
    const missing = value === '' || (!token.inlineValue && /^-\D/.test(value));
    if (missing) throw usage(name, `${token.rawName} needs a value: ${option.value ?? 'VALUE'}`);
    return value;
  }
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function isRepeatable(options: Readonly<Record<string, Option>>, name: string): boolean {
  return options[name]?.type === 'boolean' || options[name]?.multiple === true;
}

function checkCount(name: string, command: Command, positionals: readonly string[]): void {
  const { min, max } = command.positionals;
  const spare = positionals[max];
  if (spare !== undefined) throw usage(name, `"${spare}" is one argument too many`);
  if (positionals.length >= min) return;
  const wanted = command.usage.split(' ').filter((word) => word.startsWith('<'));
  throw usage(name, `${wanted[positionals.length] ?? 'An argument'} is missing`);
}

function usage(name: string, sentence: string): Failure {
  return new Failure('usage', sentence, { advice: `Try: outrigger help ${name}` });
}

/** A whole number of seconds as an option gives it; throws `usage`. */
export function readSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (/^\d{1,7}$/.test(text) && seconds > 0 && seconds <= 2_147_483) return seconds;
  throw new Failure(
    'usage',
    `${option} must be a whole number of seconds from 1 to 2147483, not "${text}"`,
  );
}

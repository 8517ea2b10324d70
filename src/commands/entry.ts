import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import type { CommandEntry, Commands } from './command.ts';

/** The table's line for a word; throws `usage` with the nearest command. */
export function entryFor(word: string, commands: Commands): CommandEntry {
  const entry = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (entry !== undefined) return entry;
  const near = nearest(word, Object.keys(commands));
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  throw new Failure('usage', `There is no command "${word}"${hint}`, {
    advice: 'The list of commands: outrigger help',
  });
}

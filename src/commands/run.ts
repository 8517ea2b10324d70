import { Failure, fullText } from '../failure.ts';
import { readArguments } from './arguments.ts';
import type { CommandWorld } from './command.ts';
import { entryFor, explain, overview } from './help.ts';
import { commands } from './index.ts';
import { visible } from './terminal.ts';

/** Exit code of a command line that could not be understood. */
export const usageExitCode = 2;

/** Runs what an operator typed; ends with the exit code. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const [word, ...rest] = asCommand(args);
  if (word === undefined) {
    world.out(overview(commands, world));
    return 0;
  }
  // Even a command line that makes no sense is answered in the form that was asked for.
  const json = rest.includes('--json');
  try {
    return await runOne(word, rest, world);
  } catch (thrown) {
    return report(word, Failure.from(thrown), json, world);
  }
}

/** The options that stand for a command are read as that command. */
function asCommand([first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  if (first === '--help' || first === '-h') return ['help', ...rest];
  return [first === '--version' ? 'version' : first, ...rest];
}

async function runOne(word: string, rest: readonly string[], world: CommandWorld): Promise<number> {
  const entry = entryFor(word, commands);
  const command = await entry.load();
  const given = readArguments(word, command, rest);
  if (given.help) {
    world.out(explain(word, entry.about, command, world));
    return 0;
  }
  return command.run({
    positionals: given.positionals,
    flag: (name) => given.values.has(name),
    text: (name) => given.values.get(name)?.slice(-1)[0],
    texts: (name) => given.values.get(name) ?? [],
    json: given.json,
    world,
    commands,
  });
}

function report(word: string, failure: Failure, json: boolean, world: CommandWorld): number {
  const error = fullText(failure);
  if (json) world.out(JSON.stringify({ command: word, kind: failure.kind, error }));
  else world.err(`outrigger ${visible(word)}: ${visible(error)}`);
  return failure.kind === 'usage' ? usageExitCode : 1;
}

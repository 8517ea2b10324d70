import { version } from '../build-stamp.ts';
import { Failure, sentence } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import { commonOptions } from './arguments.ts';
import type {
  Command,
  CommandCall,
  CommandEntry,
  Commands,
  CommandWorld,
  Option,
} from './command.ts';
import { table } from './table.ts';
import { paintFor } from './terminal.ts';

/** The three things that most people want, in the order in which they want them. */
const first: readonly (readonly [string, string])[] = [
  ['outrigger demo', 'See it work, without any other system'],
  ['outrigger register NAME --init PROVIDER', 'Begin a setup of your own'],
  ['outrigger doctor --setup FILE', 'Find out what is wrong'],
];

/** The list of all commands, for an operator who typed none. */
export function overview(commands: Commands, world: CommandWorld): string {
  const paint = paintFor(world);
  const list = Object.entries(commands).map(([name, { about }]) => [name, about]);
  return [
    `${paint.bold(`Outrigger ${version}`)}: Apache CloudStack on Proxmox VE, Hyper-V and others`,
    '',
    ...table(first, 2),
    '',
    'All commands:',
    '',
    ...table(
      list.map(([name = '', about = '']) => [{ text: name, paint: paint.bold }, about]),
      2,
    ),
    '',
    `Providers: ${Object.keys(world.registry).join(', ')}`,
    'More about one: outrigger help <command>',
    'CloudStack itself calls the file with an action, a payload file and a time-out.',
  ].join('\n');
}

/** The help of one command. */
export function explain(
  name: string,
  about: string,
  command: Command,
  world: CommandWorld,
): string {
  const paint = paintFor(world);
  const line = ['outrigger', name, command.usage, '[options]'].filter((part) => part !== '');
  const codes = Object.entries(command.exitCodes).map(([code, meaning]) => [code, meaning]);
  return [
    sentence(about),
    '',
    `  ${paint.bold(line.join(' '))}`,
    '',
    ...optionLines(command.options),
    '',
    'Exit code:',
    ...table(codes, 2),
    ...(command.more === undefined ? [] : ['', command.more.replace(/^\n+|\s+$/g, '')]),
  ].join('\n');
}

function optionLines(own: Readonly<Record<string, Option>>): string[] {
  const rows = Object.entries({ ...own, ...commonOptions }).map(([name, option]) => {
    const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : '';
    const again = option.multiple === true ? ' (again for more)' : '';
    return [`--${name}${value}${name === 'help' ? ', -h' : ''}`, `${option.about}${again}`];
  });
  return table(rows, 2);
}

export const help: Command = {
  usage: '[command]',
  options: {},
  positionals: { min: 0, max: 1 },
  exitCodes: { 0: 'explained', 2: 'there is no such command' },
  async run(call) {
    const {
      positionals: [word],
      json,
      world,
      commands,
    } = call;
    if (word === undefined && json) {
      const list = Object.entries(commands).map(([name, { about }]) => ({ name, about }));
      world.out(JSON.stringify({ version, commands: list }, undefined, 2));
      return 0;
    }
    world.out(word === undefined ? overview(commands, world) : await explanation(word, call));
    return 0;
  },
};

async function explanation(word: string, { json, world, commands }: CommandCall): Promise<string> {
  const entry = entryFor(word, commands);
  const command = await entry.load();
  if (!json) return explain(word, entry.about, command, world);
  const { usage, options, exitCodes, more } = command;
  const about = entry.about;
  return JSON.stringify({ name: word, about, usage, options, exitCodes, more }, undefined, 2);
}

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

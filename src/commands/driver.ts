import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import type { Command, CommandCall } from './command.ts';

const words: Readonly<Record<string, (call: CommandCall) => Promise<number>>> = {
  init: async (call) => (await import('./driver/init.ts')).init(call),
  run: async (call) => (await import('./driver/run.ts')).run(call),
  check: async (call) => (await import('./driver/check.ts')).check(call),
  schema: async (call) => (await import('./driver/schema.ts')).printSchema(call),
};

export const driver: Command = {
  usage: '<init|run|check|schema> [PATH] [PRIMITIVE]',
  options: {
    language: { type: 'string', value: 'LANGUAGE', about: 'init: bash, python or go' },
    settings: {
      type: 'string',
      value: 'FILE',
      about: 'run, check: JSON with "settings" and "blueprint" for the driver, and "nics"',
    },
    quick: {
      type: 'boolean',
      about: 'check: leave the interruptions out, which take most of the time',
    },
    'at-once': {
      type: 'string',
      value: 'N',
      about: 'check: how many rules are played at a time, 3 unless given',
    },
    input: { type: 'string', value: 'FILE', about: 'run: JSON whose members go into the request' },
    id: { type: 'string', value: 'ID', about: 'run: the machine that the primitive is for' },
  },
  positionals: { min: 1, max: 3 },
  exitCodes: {
    0: 'written; the primitive succeeded; the driver may be trusted',
    1: 'the primitive failed; the driver may not be trusted',
    2: 'wrong usage',
  },
  more: `
  outrigger driver init mysystem --language bash
  outrigger driver run ./mysystem describe
  outrigger driver check ./mysystem --settings mysystem.json
  outrigger driver schema make

check makes, changes and removes machines of its own on the system that the settings lead to, and
touches no others. It runs the file as it is, with the rights of the user who types it.`,
  run(call) {
    const [word = ''] = call.positionals;
    const work = Object.hasOwn(words, word) ? words[word] : undefined;
    if (work !== undefined) return work(call);
    const near = nearest(word, Object.keys(words));
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    throw new Failure('usage', `There is no "outrigger driver ${word}"${hint}`, {
      advice: 'There are: init, run, check, schema',
    });
  },
};

import { parametersOf } from '../cloudstack/custom.ts';
import { actionsOf } from '../cloudstack/offered-actions.ts';
import { markdown, printBlocks } from './blocks.ts';
import type { Command } from './command.ts';
import { learnHere } from './learn.ts';
import { loadProvider } from './load-provider.ts';
import { actionBlocks } from './reference.ts';
import { matching } from './search.ts';
import { visible } from './terminal.ts';

export const actions: Command = {
  usage: '<provider> [word ...]',
  options: {
    markdown: { type: 'boolean', about: 'Print it as it stands in the documentation' },
    driver: { type: 'string', value: 'NAME', about: 'For the provider command: its driver' },
  },
  positionals: { min: 1, max: 20 },
  exitCodes: {
    0: 'listed',
    1: 'no row holds the words',
    2: 'wrong usage, or there is no such provider',
  },
  more: `
With words it lists only the rows that hold all of them. --json lists everything.

  outrigger actions simulator
  outrigger actions proxmox snapshot
  outrigger actions simulator --json | jq 'keys'`,
  async run({ positionals: [name = '', ...words], json, flag, text, world }) {
    const driver = text('driver');
    const details = driver === undefined ? {} : { driver };
    const level = { name: 'extension', details } as const;
    const provider = await learnHere(await loadProvider(name, world.registry), [level], world);
    if (json) {
      // JSON leaves the schemas out by itself, since they are functions.
      const facts = Object.entries(actionsOf(provider)).map(([key, action]) => [
        key,
        { ...action, parameters: parametersOf(action) },
      ]);
      world.out(JSON.stringify(Object.fromEntries(facts), undefined, 2));
      return 0;
    }
    const blocks = matching(actionBlocks(provider), words);
    if (blocks.length === 0) {
      world.err(`No action of ${provider.title} holds the words ${visible(words.join(' '))}`);
      return 1;
    }
    if (flag('markdown')) world.out(markdown(blocks).trimEnd());
    else printBlocks(blocks, world);
    return 0;
  },
};

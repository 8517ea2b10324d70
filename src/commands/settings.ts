import { coreFields } from '../cloudstack/settings.ts';
import { markdown, printBlocks } from './blocks.ts';
import type { Command } from './command.ts';
import { learnHere } from './learn.ts';
import { loadProvider } from './load-provider.ts';
import { settingsBlocks } from './reference.ts';

export const settings: Command = {
  usage: '<provider>',
  options: {
    markdown: { type: 'boolean', about: 'Print it as it stands in the documentation' },
    driver: { type: 'string', value: 'NAME', about: 'For the provider command: its driver' },
  },
  positionals: { min: 1, max: 1 },
  exitCodes: { 0: 'listed', 2: 'wrong usage, or there is no such provider' },
  more: `
  outrigger settings simulator
  outrigger settings simulator --json | jq .settings`,
  async run({ positionals: [name = ''], json, flag, text, world }) {
    const driver = text('driver');
    const details = driver === undefined ? {} : { driver };
    const level = { name: 'extension', details } as const;
    const provider = await learnHere(await loadProvider(name, world.registry), [level], world);
    const half = await provider.network?.();
    if (json) {
      const { settings: own, blueprint, stored } = provider;
      // JSON leaves the schemas out by itself, since they are functions.
      const network = half?.settings;
      const facts = { settings: own, core: coreFields, blueprint, stored, network };
      world.out(JSON.stringify(facts, undefined, 2));
    } else if (flag('markdown')) world.out(markdown(settingsBlocks(provider, half)).trimEnd());
    else printBlocks(settingsBlocks(provider, half), world);
    return 0;
  },
};

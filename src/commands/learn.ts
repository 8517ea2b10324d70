import { defaultConfigFile, readConfig } from '../cloudstack/config.ts';
import type { Level } from '../cloudstack/details.ts';
import { siteOf } from '../cloudstack/site.ts';
import type { Provider } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { silent } from '../kit/log.ts';
import type { CommandWorld } from './command.ts';

/**
 * The provider with the fields that this server gives it. An operator's command asks anew and keeps no
 * notes, so that it shows what is there now and leaves no file behind.
 */
export async function learnHere(
  provider: Provider,
  levels: readonly Level[],
  { env }: Pick<CommandWorld, 'env'>,
): Promise<Provider> {
  if (provider.learn === undefined) return provider;
  const site = siteOf({
    ...{ levels, log: silent, deadline: deadlineIn(30) },
    config: readConfig(env['OUTRIGGER_CONFIG'] ?? defaultConfigFile),
    uid: process.getuid?.() ?? 0,
    stateDirectory() {
      throw new Failure('config', 'A command of an operator keeps no notes');
    },
  });
  return provider.learn(site);
}

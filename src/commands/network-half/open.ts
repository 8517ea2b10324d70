import { basename } from 'node:path';
import { defaultConfigFile, readConfig } from '../../cloudstack/config.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { readNetworkHalf } from '../../cloudstack/network/settings.ts';
import type { Context, Deadline } from '../../contract/context.ts';
import type { NetworkProvider } from '../../contract/network.ts';
import type { Provider } from '../../contract/provider.ts';
import { silent } from '../../kit/log.ts';
import type { Texts } from '../api/form.ts';
import type { CommandWorld } from '../command.ts';
import { serviceState } from '../service-state.ts';

/** The network half behind one registration with a physical network. */
export interface OpenHalf {
  readonly provider: Provider;
  readonly half: NetworkProvider;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly context: Context;
  /** Details that it does not read. */
  readonly unread: readonly string[];
}

/** Throws when the details do not fit; `secrets` gets those that were read before. */
export async function openHalf(
  registration: Texts,
  { world, deadline }: { readonly world: CommandWorld; readonly deadline: Deadline },
  secrets: string[],
): Promise<OpenHalf> {
  const config = readConfig(world.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const { secretsDirectory } = config;
  const site = { startedAs: basename(world.self), registry: world.registry, secretsDirectory };
  const issues = collectIssues();
  const found = await readNetworkHalf(registration, site, issues);
  secrets.push(...found.settings.secrets);
  issues.throwIfAny('The details do not fit');
  const { core, provider, half, settings } = found;
  const state = serviceState(config, world);
  return {
    ...{ provider, half, settings: settings.values, unread: found.unread() },
    context: {
      ...{ deadline, log: silent, installation: core.installation ?? '' },
      // Nothing is made: the state that is looked at is the service's own.
      stateDirectory: (name) => `${state}/${name}`,
    },
  };
}

import type { NetworkProvider } from '../../contract/network.ts';
import type { Registry } from '../../contract/provider.ts';
import { expectFailure, Failure } from '../../failure.ts';
import type { Known } from '../call-facts.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from '../details.ts';
import { collectIssues, type Issues } from '../issues.ts';
import type { Details } from '../payload.ts';
import { chooseProvider, coreFields, resolveCore } from '../settings.ts';
import type { NetworkPayload } from './payload.ts';

/** Adds the provider, its network half and their settings, from the registration alone. */
export async function withNetworkProvider<Facts extends Known<'args' | 'config'>>(
  facts: Facts,
  { registration }: NetworkPayload,
) {
  const issues = collectIssues();
  const { world, config } = facts;
  const found = await readNetworkHalf(registration, { ...world, ...config }, issues);
  issues.throwIfAny(`${facts.args.action} could not be run`);
  const { core, provider, half, settings, unread } = found;
  return {
    ...{ ...facts, core, provider, half, settings: settings.values },
    secrets: [...facts.secrets, ...settings.secrets],
    endpoint: () => JSON.stringify([provider.name, 'network', settings.texts]),
    unread,
  };
}

interface HalfSite {
  readonly startedAs: string;
  readonly registry: Registry;
  readonly secretsDirectory: string;
}

/** The network half that a registration with a physical network leads to, and its settings. */
export async function readNetworkHalf(registration: Details, site: HalfSite, issues: Issues) {
  const levels: readonly Level[] = [{ name: 'network registration', details: registration }];
  const core = resolveCore(levels, issues);
  const provider = await choose(core.provider, site);
  const half = await provider.network?.();
  if (half === undefined) throw withoutNetworkHalf(provider.name);
  const settings = resolveHalf(half, levels, site.secretsDirectory, issues);
  if (core.installation === undefined) issues.add('config', noInstallation);
  return { core, provider, half, settings, unread: () => unreadDetails(half, levels) };
}

const noInstallation =
  '"installation" is missing in the registration with the physical network: `outrigger register` writes it, the same as for the cluster';

function resolveHalf(
  half: NetworkProvider,
  levels: readonly Level[],
  secretsDirectory: string,
  issues: Issues,
) {
  const before = issues.count;
  const settings = resolveFields(half.settings, { levels, issues, secretsDirectory });
  if (issues.count === before) {
    for (const sentence of half.settingsIssues?.(settings.values) ?? []) {
      issues.add('config', sentence);
    }
  }
  return settings;
}

async function choose(named: string | undefined, { startedAs, registry }: HalfSite) {
  try {
    return await chooseProvider(named, startedAs, registry);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    throw new Failure('config', message.replace('extension or host', 'physical network'), {
      advice: `Set the detail "provider" of the registration with the physical network to one of: ${Object.keys(registry).join(', ')} (updateRegisteredExtension resourcetype=PhysicalNetwork, with all other details)`,
    });
  }
}

function withoutNetworkHalf(name: string): Failure {
  return new Failure(
    'unsupported',
    `The provider ${name} serves no networks and keeps no user data`,
    {
      advice: 'Use an offering whose services another provider serves',
    },
  );
}

/** CloudStack adds the name of the physical network; an operator may keep notes of any name there. */
function unreadDetails({ settings }: NetworkProvider, levels: readonly Level[]): readonly string[] {
  const words = knownWords(coreFields, settings);
  words.add('physicalnetworkname');
  return unknownDetails(levels, words).map(({ key, meant }) => {
    const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
    return `network registration detail "${key}"${hint}`;
  });
}

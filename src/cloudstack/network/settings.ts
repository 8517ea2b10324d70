import type { NetworkProvider } from '../../contract/network.ts';
import { expectFailure, Failure } from '../../failure.ts';
import type { Known } from '../call-facts.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from '../details.ts';
import { collectIssues, type Issues } from '../issues.ts';
import { chooseProvider, coreFields, resolveCore } from '../settings.ts';
import type { NetworkPayload } from './payload.ts';

/** Adds the provider, its network half and their settings, from the registration alone. */
export async function withNetworkProvider<Facts extends Known<'args' | 'config'>>(
  facts: Facts,
  { registration }: NetworkPayload,
) {
  const issues = collectIssues();
  const levels: readonly Level[] = [{ name: 'network registration', details: registration }];
  const core = resolveCore(levels, issues);
  const provider = await choose(core.provider, facts);
  const half = await provider.network?.();
  if (half === undefined) throw withoutNetworkHalf(provider.name);
  const settings = resolveHalf(half, levels, facts.config.secretsDirectory, issues);
  if (core.installation === undefined) issues.add('config', noInstallation);
  issues.throwIfAny(`${facts.args.action} could not be run`);
  return {
    ...{ ...facts, core, provider, half, settings: settings.values },
    secrets: [...facts.secrets, ...settings.secrets],
    endpoint: () => JSON.stringify([provider.name, 'network', settings.texts]),
    unread: () => unreadDetails(half, levels),
  };
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

async function choose(named: string | undefined, { world }: Known<'args'>) {
  try {
    return await chooseProvider(named, world.startedAs, world.registry);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    throw new Failure('config', message.replace('extension or host', 'physical network'), {
      advice: `Set the detail "provider" of the registration with the physical network to one of: ${Object.keys(world.registry).join(', ')} (updateRegisteredExtension resourcetype=PhysicalNetwork, with all other details)`,
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

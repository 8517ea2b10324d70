import { defaultConfigFile, readConfig } from '../../../cloudstack/config.ts';
import { resolveFields } from '../../../cloudstack/details.ts';
import { collectIssues } from '../../../cloudstack/issues.ts';
import { coreFields } from '../../../cloudstack/settings.ts';
import type { NetworkProvider } from '../../../contract/network.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import type { Texts } from '../../api/form.ts';
import type { CommandCall } from '../../command.ts';
import { loadProvider } from '../../load-provider.ts';
import { secretKeys } from '../details.ts';
import { checkName, pathOf } from '../names.ts';
import { typedDetails } from '../typed.ts';
import { checkProviderName } from './names.ts';

/** Kinds of networks, in CloudStack's spelling. */
export const kinds = ['L2', 'Shared', 'Isolated'] as const;
export type Kind = (typeof kinds)[number];

/** The network extension as it is to be; its details belong to the registration alone. */
export interface WantedNetwork {
  readonly name: string;
  readonly path: string;
  readonly provider: string;
  readonly title: string;
  readonly half: NetworkProvider;
  /** By name or id. */
  readonly physicalNetwork: string;
  readonly details: Texts;
  readonly installation: string | undefined;
  /** Networks are made on the remote system, in place of VLANs that CloudStack chooses. */
  readonly makesNetworks: boolean;
  /** The kinds of networks that get an offering. */
  readonly kinds: readonly Kind[];
  readonly secrets: ReadonlySet<string>;
}

/** The command line; throws `usage` before anything is asked of CloudStack. */
export async function readWantedNetwork(call: CommandCall): Promise<WantedNetwork> {
  const { text, texts, flag, positionals, world } = call;
  const [name] = positionals;
  if (name === undefined) throw new Failure('usage', 'The extension has no name');
  checkName(name);
  checkProviderName(name);
  refuseOthers(call);
  const given = text('provider');
  if (given === undefined) throw new Failure('usage', 'Missing --provider');
  const provider = await loadProvider(given, world.registry);
  const half = await provider.network?.();
  if (half === undefined) {
    throw new Failure('usage', `The provider ${provider.name} serves no networks`);
  }
  const makesNetworks = flag('make-networks');
  if (makesNetworks && !half.offers.networks) {
    throw new Failure('usage', `The provider ${provider.name} makes no networks`, {
      advice: 'Leave --make-networks out',
    });
  }
  if (!half.offers.guests && texts('offering').length > 0) {
    throw new Failure(
      'usage',
      `The provider ${provider.name} keeps no user data, and offerings are for those`,
      {
        advice: 'Leave --offering out, and make one of your own with CustomAction alone',
      },
    );
  }
  refuseServices(texts('detail'));
  const fields = { ...coreFields, ...half.settings };
  const secrets = secretKeys(fields);
  const details = typedDetails(texts, fields);
  checkSettings(half, details, world.env);
  return {
    ...{ name, path: pathOf(name, text('path')), provider: provider.name, title: provider.title },
    ...{ half, physicalNetwork: text('network') ?? '', details, makesNetworks, secrets },
    kinds: kindsIn(texts('offering')),
    installation: text('installation') ?? details['installation'],
  };
}

function kindsIn(words: readonly string[]): readonly Kind[] {
  const given = words.map((word) => {
    const kind = kinds.find((each) => each.toLowerCase() === word.toLowerCase());
    if (kind !== undefined) return kind;
    throw new Failure('usage', `--offering ${word} is no kind of network`, {
      advice: `There are: ${kinds.join(', ')}`,
    });
  });
  return given.length === 0 ? ['L2'] : kinds.filter((kind) => given.includes(kind));
}

/** CloudStack reads these of the extension itself, and what we do not serve would fail at a start. */
function refuseServices(details: readonly string[]): void {
  const key = details
    .map((each) => each.split('=')[0] ?? '')
    .find((each) => /^network\./.test(each));
  if (key === undefined) return;
  throw new Failure(
    'usage',
    `The detail ${key} is one of the extension, which register sets itself`,
    {
      advice:
        'Of services it has UserData and CustomAction alone: SourceNat, StaticNat, PortForwarding, Firewall, Lb, Vpn, Dhcp, Dns and NetworkACL stay with the virtual router, and a command for one of them is refused, with it the start. --make-networks sets network.isolation.method',
    },
  );
}

function refuseOthers({ text, texts, flag }: CommandCall): void {
  const spare = [
    ...(text('setup') === undefined ? [] : ['--setup']),
    ...(texts('cluster').length === 0 ? [] : ['--cluster']),
    ...(flag('prune') ? ['--prune'] : []),
  ];
  if (spare.length === 0) return;
  throw new Failure('usage', `--network does not go with ${spare.join(' or ')}`, {
    advice: 'A network extension is one of its own, beside the one that serves the cluster',
  });
}

function checkSettings(half: NetworkProvider, details: Texts, env: CommandCall['world']['env']) {
  const issues = collectIssues();
  const { secretsDirectory } = readConfig(env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const levels = [{ name: 'network registration' as const, details }];
  const { values } = resolveFields(half.settings, { levels, issues, secretsDirectory });
  if (issues.count === 0) {
    for (const sentence of half.settingsIssues?.(values) ?? []) issues.add('config', sentence);
  }
  try {
    issues.throwIfAny('The details do not fit');
  } catch (thrown) {
    throw new Failure('usage', expectFailure(thrown).message);
  }
}

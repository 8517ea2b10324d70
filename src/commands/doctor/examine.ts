import { basename } from 'node:path';
import { defaultConfigFile } from '../../cloudstack/config-file.ts';
import type { Level } from '../../cloudstack/details.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { chooseProvider, resolveCore, resolveSettings } from '../../cloudstack/settings.ts';
import type { Check, Provider } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import type { DeadlineControl } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { Texts } from '../api/form.ts';
import type { CommandWorld } from '../command.ts';
import { learnHere } from '../learn.ts';
import { thisBuild } from '../node-build.ts';
import { type Account, findAccount } from './account.ts';
import { connectionChecks } from './connections.ts';
import { driverChecks } from './drivers.ts';
import { fileChecks } from './file.ts';
import { type Finding, fail, inLayer, ok, once, skipped } from './finding.ts';
import { examineHalf } from './network-half.ts';
import { payloadChecks } from './payloads.ts';
import { placeChecks } from './places.ts';
import { prepareChecks } from './prepare.ts';
import { plainSecretChecks, secretChecks } from './secrets.ts';
import { accountCheck, attemptConfig, type Config, nodeChecks, ourselves } from './server.ts';
import {
  cutChecks,
  installationCheck,
  readWanted,
  resolution,
  tlsOf,
  unknownDetailChecks,
} from './settings.ts';
import { spaceChecks } from './space.ts';

export interface Examination {
  readonly world: CommandWorld;
  readonly user: string;
  readonly providerName: string | undefined;
  readonly levels: readonly Level[];
  /** The details of an instance, where some were given. */
  readonly instance: Level;
  /** The details of a registration with a physical network, where some were given. */
  readonly registration: Texts;
  readonly deadline: DeadlineControl;
  readonly onStep: (what: string) => void;
}

/** Looks at everything between this server and a working instance; changes nothing anywhere. */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { world, user } = examination;
  const account = findAccount(user);
  const who = account ?? ourselves(world);
  const config = attemptConfig(world.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const server = [
    ...nodeChecks(thisBuild()),
    ...(await fileChecks(world.self, who)),
    accountCheck(user, account, who),
    config.check,
    ...(config.value === undefined ? [] : localChecks(config.value, who)),
    ...(config.value === undefined ? [] : await driverChecks(config.value, who)),
    // Another user's home says nothing about CloudStack's payloads.
    ...(account === undefined ? [] : payloadChecks(account)),
  ];
  const rest = config.value === undefined ? [] : await beyond(examination, config.value, who);
  return once([...inLayer('server', server), ...rest]);
}

/** Both halves, as far as the details of each were given. */
async function beyond(
  examination: Examination,
  config: Config,
  account: Account,
): Promise<readonly Finding[]> {
  const { levels, instance, registration, providerName } = examination;
  const isGiven = [...levels, instance].some(({ details }) => Object.keys(details).length > 0);
  const hasHalf = Object.keys(registration).length > 0;
  if (!isGiven && !hasHalf && providerName === undefined) {
    const found = 'no details given: nothing beyond this server was looked at';
    return inLayer('settings', [skipped('details', found)]);
  }
  const half = hasHalf ? await examineHalf({ ...examination, label: 'network half' }) : [];
  if (!isGiven && hasHalf) return half;
  return [...(await examineRemote(examination, config, account)), ...half];
}

function localChecks(config: Config, who: Account): Check[] {
  return [...placeChecks(config, who), ...spaceChecks(config, who)];
}

async function examineRemote(
  examination: Examination,
  config: Config,
  account: Account,
): Promise<Finding[]> {
  const { levels, instance, world, providerName } = examination;
  const issues = collectIssues();
  const core = resolveCore(levels, issues);
  let provider: Provider;
  try {
    const named = providerName ?? core.provider;
    const chosen = await chooseProvider(named, basename(world.self), world.registry);
    provider = await learnHere(chosen, levels, world);
  } catch (thrown) {
    return inLayer('settings', [fail('provider', fullText(Failure.from(thrown)))]);
  }
  const { secretsDirectory } = config;
  const { values, secrets } = resolveSettings(provider, levels, secretsDirectory, issues);
  const resolved = resolution(issues);
  const settings = [
    ok('provider', provider.title),
    ...prepareChecks(provider, config.log.file),
    installationCheck(levels, core.installation),
    resolved,
    ...unknownDetailChecks(provider, levels),
    ...cutChecks(levels),
    ...plainSecretChecks(provider.settings, levels),
    ...secretChecks(secretsDirectory, provider.settings, levels, account),
  ];
  const found = inLayer('settings', settings);
  if (resolved.state === 'fail') return found;
  const wanted = readWanted(provider, { settings: values, levels, instance, secretsDirectory });
  const beyond = await examineProvider(examination, {
    ...{ provider, values, config, account },
    ...{ installation: core.installation ?? '', blueprint: wanted.blueprint },
  });
  const redactor = createRedactor([...secrets, ...wanted.secrets]);
  return [...found, ...inLayer('settings', wanted.checks), ...beyond].map((each) => ({
    ...each,
    found: redactor.text(each.found),
    ...(each.advice === undefined ? {} : { advice: redactor.text(each.advice) }),
  }));
}

interface Opened {
  readonly provider: Provider;
  readonly values: Readonly<Record<string, unknown>>;
  readonly config: Config;
  readonly account: Account;
  readonly installation: string;
  readonly blueprint: Readonly<Record<string, unknown>>;
}

async function examineProvider(
  { deadline, onStep }: Examination,
  { provider, values, config, account, installation, blueprint }: Opened,
): Promise<Finding[]> {
  const place = { deadline, onStep, title: provider.title, tls: tlsOf(values) };
  const network = await connectionChecks(provider, values, place);
  onStep(`asking ${provider.title}`);
  const state = config.stateDirectory ?? `${account.home ?? ''}/.local/state/outrigger`;
  // Nothing is made: a provider that finds no directory says so.
  const stateDirectory = (name: string): string => `${state}/${name}`;
  const context = { deadline, log: silent, installation, stateDirectory };
  const checks = await attemptChecks(provider, values, context, blueprint);
  return [...inLayer('network', network), ...inLayer('provider', checks)];
}

async function attemptChecks(
  provider: Provider,
  values: Readonly<Record<string, unknown>>,
  context: Parameters<NonNullable<Provider['checks']>>[1],
  blueprint: Readonly<Record<string, unknown>>,
): Promise<readonly Check[]> {
  if (provider.checks === undefined) {
    return [skipped('provider', `${provider.title} has nothing to check`)];
  }
  try {
    return await provider.checks(values, context, blueprint);
  } catch (thrown) {
    return [fail('provider', fullText(Failure.from(thrown)))];
  }
}

import { readConfig } from '../../cloudstack/config.ts';
import { defaultConfigFile } from '../../cloudstack/config-file.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { chooseProvider, resolveCore, resolveSettings } from '../../cloudstack/settings.ts';
import type { Deadline } from '../../contract/context.ts';
import type { RemoteMachine } from '../../contract/machine.ts';
import type { Provider } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { createRedactor } from '../../kit/redact.ts';
import { type Verbs, verbsOf } from '../../lifecycle/index.ts';
import type { CommandWorld } from '../command.ts';
import { entryAt, ownerOf } from '../doctor/account.ts';
import { endpointsOf } from '../doctor/network.ts';
import { learnHere } from '../learn.ts';
import { serviceState } from '../service-state.ts';
import type { ListedHost } from './listed.ts';
import { type Asked, systemsOf } from './systems.ts';

/** A host that could be looked at. */
export interface OpenHost {
  readonly host: ListedHost;
  readonly provider: Provider;
  readonly installation: string;
  /** Where its remote system answers; for a local one the directory of its state. */
  readonly endpoints: readonly string[];
  /** The one system behind it, where the provider tells them apart. */
  readonly system?: string | undefined;
  readonly verbs: Verbs;
}

/** A machine, and the hosts that showed it. */
export interface SeenMachine {
  readonly machine: RemoteMachine;
  readonly openHosts: readonly [OpenHost, ...OpenHost[]];
}

/** A host of which nothing is known, and why. */
export interface UnreachableHost {
  readonly host: string;
  readonly why: string;
  /** As its details name it. */
  readonly provider: string | undefined;
}

export interface Scan {
  readonly seenMachines: readonly SeenMachine[];
  readonly unreachable: readonly UnreachableHost[];
}

/** The options of a scan. */
export interface ScanOptions {
  readonly world: CommandWorld;
  readonly deadline: Deadline;
  /** Sessions will be used to change something, too. */
  readonly changes: boolean;
  readonly onStep: (what: string) => void;
}

/** Asks the provider of every host for its machines, one host after the other. */
export async function scanHosts(hosts: readonly ListedHost[], options: ScanOptions): Promise<Scan> {
  const asked: Asked[] = [];
  const unreachable: UnreachableHost[] = [];
  for (const [at, host] of hosts.entries()) {
    options.onStep(`asking ${host.name}`);
    const secrets: string[] = [];
    try {
      const work = ask(host, options, secrets);
      const share = shareOf(options.deadline, hosts.length - at);
      asked.push(await share.within(work, 'waiting for its machines'));
    } catch (thrown) {
      const redactor = createRedactor(secrets);
      const why = redactor.text(fullText(Failure.from(thrown)));
      unreachable.push({
        ...{ host: host.name, why: [why, host.remark].filter(Boolean).join(' ') },
        provider: providerNamed(host),
      });
    }
  }
  return { seenMachines: seenBy(asked), unreachable };
}

function providerNamed({ levels }: ListedHost): string | undefined {
  const named = levels.flatMap(({ details }) => details['provider'] ?? []);
  return named[named.length - 1];
}

/** Hosts of one system show the same machines, each of which is counted once. */
function seenBy(asked: readonly Asked[]): readonly SeenMachine[] {
  const systems = systemsOf(asked);
  const found = new Map<string, SeenMachine>();
  for (const [at, { openHost, machines }] of asked.entries()) {
    for (const machine of machines) note(found, `${systems[at]}`, openHost, machine);
  }
  return [...found.values()];
}

async function ask(host: ListedHost, options: ScanOptions, secrets: string[]): Promise<Asked> {
  const openHost = await open(host, options, secrets);
  return { openHost, machines: await openHost.verbs.machines() };
}

/** One host that never answers must leave time for those after it. */
function shareOf(deadline: Deadline, hosts: number): Deadline {
  return deadlineIn(deadline.remainingMs() / 1000 / Math.min(hosts, 10));
}

function note(
  found: Map<string, SeenMachine>,
  system: string,
  openHost: OpenHost,
  machine: RemoteMachine,
): void {
  const mark = typeof machine.mark === 'object' ? machine.mark.uuid : '';
  const id = JSON.stringify([system, machine.remoteId, machine.name, mark]);
  const before = found.get(id);
  found.set(id, {
    machine,
    openHosts: before === undefined ? [openHost] : [...before.openHosts, openHost],
  });
}

async function open(
  host: ListedHost,
  { world, deadline, changes }: ScanOptions,
  secrets: string[],
): Promise<OpenHost> {
  const config = readConfig(world.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const issues = collectIssues();
  const core = resolveCore(host.levels, issues);
  const chosen = await chooseProvider(core.provider, '', world.registry);
  const provider = await learnHere(chosen, host.levels, world);
  const settings = resolveSettings(provider, host.levels, config.secretsDirectory, issues);
  secrets.push(...settings.secrets);
  issues.throwIfAny('Its details do not fit');
  const installation = core.installation ?? '';
  const state = serviceState(config, world);
  const verbs = verbsOf(provider, settings.values, {
    ...{ deadline, log: silent, installation },
    // Nothing is made: what is looked for is the service's own.
    stateDirectory: (name) => (changes ? ownDirectory(`${state}/${name}`) : `${state}/${name}`),
  });
  const named = endpointsOf(provider, settings.values).map((url) => url.toLowerCase());
  const endpoints = named.length > 0 ? named : [`${state}/${provider.name}`];
  const system = provider.system?.(settings.values);
  return { host, provider, installation, endpoints, system, verbs };
}

/** Refuses a directory of another user, who could not read again what this process writes there. */
function ownDirectory(path: string): string {
  const found = entryAt(path);
  if (found === undefined || found.uid === process.getuid?.()) return path;
  throw new Failure('denied', `${path} belongs to ${ownerOf(found)}`, {
    advice: `Run it as that user: sudo -u ${ownerOf(found)} outrigger ...`,
  });
}

/** The machine and where it was seen, as a part of a sentence. */
export function placeOf({ machine, openHosts }: SeenMachine): string {
  const name = machine.name === '' ? '' : ` (${machine.name})`;
  const hosts = [...new Set(openHosts.map(({ host }) => host.name))].slice(0, 3).join(', ');
  return `machine ${machine.remoteId}${name} seen by ${hosts}`;
}

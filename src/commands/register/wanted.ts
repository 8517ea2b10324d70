import { resolve } from 'node:path';
import { knownWords, type Level } from '../../cloudstack/details.ts';
import { coreFields } from '../../cloudstack/settings.ts';
import type { Fields } from '../../contract/field.ts';
import type { Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import type { Texts } from '../api/form.ts';
import type { CommandCall } from '../command.ts';
import { learnHere } from '../learn.ts';
import { loadProvider } from '../load-provider.ts';
import { underNames } from './meant.ts';
import { checkName, pathOf } from './names.ts';
import { type ActionWish, type GivenDetails, readDetails, readSetup, type Setup } from './setup.ts';
import { keyAndValue, typedDetails } from './typed.ts';
import { readWishes } from './wishes.ts';

export interface WantedHost {
  readonly name: string;
  readonly tags?: string;
  readonly details: Texts;
}

export interface WantedCluster {
  readonly name: string;
  /** From the file: made when it is not there; from the command line: has to be there. */
  readonly mayBeMade: boolean;
  readonly arch?: string;
  readonly details: Texts;
  readonly hosts: readonly WantedHost[];
}

export interface WantedTemplate extends Omit<Setup['templates'][number], 'details'> {
  readonly details: Texts;
}

/** Everything that CloudStack is to know afterwards. */
export interface Wanted {
  readonly name: string;
  /** As CloudStack keeps it, below its extensions. */
  readonly path: string;
  readonly provider: Provider;
  readonly description?: string;
  /** Without provider and installation, which are added. */
  readonly details: Texts;
  readonly installation?: string;
  /** Details and custom actions that the setup file does not name are taken away. */
  readonly prune: boolean;
  readonly actions: Readonly<Record<string, ActionWish>>;
  readonly zone?: string;
  readonly pod?: string;
  readonly clusters: readonly WantedCluster[];
  readonly templates: readonly WantedTemplate[];
}

/** Command line and file together; throws `usage` before anything is asked of CloudStack. */
export async function readWanted(call: CommandCall): Promise<Wanted> {
  const { text, texts, positionals, world } = call;
  const file = text('setup');
  const path = file === undefined ? '' : resolve(file);
  const setup = file === undefined ? undefined : readSetup(path);
  const name = nameOf(positionals[0], setup?.extension.name);
  const base = await loadProvider(wantedProvider(call, setup), world.registry);
  const provider = await learnHere(base, writtenLevels(call, setup, path), world);
  const installation = text('installation');
  const read: ReadDetails = (given) =>
    underNames(readDetails(given, path), knownWords(fieldsOf(provider)), 'detail');
  const details = { ...read(setup?.extension.details), ...typedDetails(texts, fieldsOf(provider)) };
  checkInstallation(installation ?? details['installation']);
  const fromFile = setup === undefined ? [] : setup.clusters.map((each) => clusterOf(each, read));
  const described = setup?.extension.description;
  return {
    name,
    path: pathOf(name, text('path') ?? setup?.extension.path),
    provider,
    ...(described === undefined ? {} : { description: described }),
    ...(installation === undefined ? {} : { installation }),
    details,
    prune: pruneOf(call),
    actions: readWishes(provider, setup?.extension.actions ?? {}),
    ...(setup?.zone === undefined ? {} : { zone: setup.zone }),
    ...(setup?.pod === undefined ? {} : { pod: setup.pod }),
    clusters: [...fromFile, ...typedClusters(texts('cluster'), fromFile)],
    templates: (setup?.templates ?? []).map(({ details, ...rest }) => ({
      ...rest,
      details: read(details),
    })),
  };
}

/** Reads details of the setup file, whose keys may be written for people. */
type ReadDetails = (given: GivenDetails | undefined) => Record<string, string>;

/** Every field that a detail may be for. */
function fieldsOf({ settings, blueprint }: Provider): Fields {
  return { ...blueprint, ...coreFields, ...settings };
}

/** The details as they are written: a provider may have to learn from them which others it has. */
function writtenLevels(
  { texts }: CommandCall,
  setup: Setup | undefined,
  path: string,
): readonly Level[] {
  const hosts = setup?.clusters.flatMap((cluster) => cluster.hosts) ?? [];
  const typed = Object.fromEntries(texts('detail').map((word) => keyAndValue('--detail', word)));
  const own = readDetails(setup?.extension.details, path);
  return [
    ...hosts.map((host) => ({ name: 'host', details: readDetails(host.details, path) }) as const),
    { name: 'extension', details: { ...own, ...typed } },
  ];
}

function pruneOf({ flag, text }: CommandCall): boolean {
  if (!flag('prune') || text('setup') !== undefined) return flag('prune');
  throw new Failure('usage', '--prune needs --setup: the file says what is to stay');
}

function wantedProvider({ text }: CommandCall, setup: Setup | undefined): string {
  const name = text('provider') ?? setup?.extension.provider;
  if (name !== undefined) return name;
  throw new Failure('usage', 'Missing --provider: the provider that the extension is for', {
    advice: 'Give --provider NAME; `outrigger help` lists them',
  });
}

function nameOf(typed: string | undefined, written: string | undefined): string {
  const name = typed ?? written;
  if (name === undefined) {
    throw new Failure('usage', 'The extension has no name', {
      advice: 'Give it as the first argument, or in the file of --setup',
    });
  }
  if (written !== undefined && name !== written) {
    throw new Failure('usage', `The setup file is for the extension "${written}", not "${name}"`);
  }
  checkName(name);
  return name;
}

function checkInstallation(text: string | undefined): void {
  if (text === undefined || /^[A-Za-z0-9._-]{1,64}$/.test(text)) return;
  throw new Failure('usage', `"${text}" cannot be an installation: letters, digits, ".", "_", "-"`);
}

function clusterOf({ details, hosts, ...rest }: Setup['clusters'][number], read: ReadDetails) {
  return {
    name: rest.name,
    ...(rest.arch === undefined ? {} : { arch: rest.arch }),
    mayBeMade: true,
    details: read(details),
    hosts: hosts.map(({ name, tags, details: own }) => ({
      name,
      ...(tags === undefined ? {} : { tags }),
      details: read(own),
    })),
  };
}

function typedClusters(
  names: readonly string[],
  besides: readonly WantedCluster[],
): WantedCluster[] {
  const taken = new Set(besides.map(({ name }) => name));
  return [...new Set(names)]
    .filter((name) => !taken.has(name))
    .map((name) => ({ name, mayBeMade: false, details: {}, hosts: [] }));
}

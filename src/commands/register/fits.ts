import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { knownWords, type Level, unknownDetails } from '../../cloudstack/details.ts';
import {
  coreFields,
  resolveBlueprint,
  resolveCore,
  resolveSettings,
} from '../../cloudstack/settings.ts';
import type { Fields } from '../../contract/field.ts';
import type { Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { asText, asTexts } from '../api/client.ts';
import type { Actual } from './actual.ts';
import { levelsOf, type MergedHost, mergedHosts } from './merged.ts';
import type { Plan } from './plan.ts';
import type { Wanted } from './wanted.ts';

/** Facts of this server that the check needs. */
export interface Surroundings {
  readonly secretsDirectory: string;
  /** The names of all providers of this file. */
  readonly providers: readonly string[];
}

/**
 * Reads every detail as a call would read it, of the extension, of each host and of each template.
 *
 * Throws `usage` for details that this run would break, `conflict` for another provider where there are hosts;
 * details that are wrong already or that the provider does not read become remarks.
 */
export function checkDetails(wanted: Wanted, actual: Actual, around: Surroundings): Plan {
  const hosts = mergedHosts(wanted, actual);
  refuseOtherProvider(wanted, actual, hosts, around);
  const before = asTexts(actual.extension?.['details']);
  const alone: MergedHost = {
    name: '',
    before: levelsOf(before),
    after: levelsOf({ ...before, ...wanted.details }),
  };
  const found = [...(hosts.length === 0 ? [alone] : []), ...hosts].map((host) =>
    compare(wanted.provider, host, hosts.length === 0, around),
  );
  const unknown = unknownIn(wanted);
  const fresh = [
    ...found.flatMap(({ name, fresh }) => fresh.map((sentence) => titled(name, sentence))),
    ...unknown.filter(({ meant }) => meant !== undefined).map(asQuestion),
    ...templateIssues(wanted, hosts[0] ?? alone, around),
  ];
  if (fresh.length > 0) {
    throw new Failure('usage', `The details do not fit: ${[...new Set(fresh)].join('; ')}`, {
      advice: `Nothing was changed; \`outrigger settings ${wanted.provider.name}\` shows what there is`,
    });
  }
  const old = found.flatMap(({ name, old }) => old.map((sentence) => titled(name, sentence)));
  return {
    changes: [],
    remarks: [
      ...new Set([
        ...old.map((sentence) => `Already wrong before: ${sentence}`),
        ...unknown.map(({ where, key }) => `${where} detail "${key}" is read by nothing`),
      ]),
    ],
  };
}

function titled(host: string, sentence: string): string {
  return host === '' ? sentence : `host ${host}: ${sentence}`;
}

/** The sentences that are new with this run, and those that are true already. */
function compare(
  provider: Provider,
  { name, before, after }: MergedHost,
  mayLack: boolean,
  around: Surroundings,
) {
  const old = before === undefined ? [] : issuesOf(provider, before, mayLack, around);
  const now = issuesOf(provider, after, mayLack, around);
  const fresh = now.filter((sentence) => !old.includes(sentence));
  return { name, fresh, old: now.filter((sentence) => old.includes(sentence)) };
}

/** Everything that a call with these details would complain of. */
function issuesOf(
  whole: Provider,
  levels: readonly Level[],
  mayLack: boolean,
  { secretsDirectory }: Surroundings,
): string[] {
  const sentences: string[] = [];
  const issues = {
    add: (_: unknown, sentence: string) => void sentences.push(sentence),
    get count() {
      return sentences.length;
    },
    throwIfAny: () => undefined,
  };
  resolveCore(levels, issues);
  const provider = readableHere(whole, levels, secretsDirectory, mayLack);
  const { values } = resolveSettings(provider, levels, secretsDirectory, issues);
  const lenient = (sentence: string): void => void sentences.push(sentence);
  const asked = { ...provider, blueprint: optional(provider.blueprint) };
  resolveBlueprint(asked, { settings: values, levels, secretsDirectory, issues, lenient });
  return sentences;
}

/** Without the settings whose files lie on the management servers and not here. */
function readableHere(
  provider: Provider,
  levels: readonly Level[],
  secretsDirectory: string,
  mayLack: boolean,
): Provider {
  const given = (word: string): string[] =>
    levels.flatMap(({ details }) => (details[word] === undefined ? [] : [details[word].trim()]));
  const elsewhere = Object.entries(provider.settings).filter(([key, field]) => {
    const words = [key, ...(field.also ?? [])];
    const files =
      field.file === true ? words : field.secret === true ? words.map((w) => `${w}_file`) : [];
    return files.flatMap(given).some((name) => !existsSync(join(secretsDirectory, name)));
  });
  const away = elsewhere.map(([key]) => key);
  const kept = Object.entries(provider.settings).filter(([key]) => !away.includes(key));
  const settings = Object.fromEntries(kept);
  const { settingsIssues, ...rest } = provider;
  const complete = away.length === 0 && !mayLack && settingsIssues !== undefined;
  return {
    ...rest,
    settings: mayLack ? optional(settings) : settings,
    ...(complete ? { settingsIssues: (values) => settingsIssues(values) } : {}),
  };
}

function optional(fields: Fields): Fields {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([key, field]) => [key, { ...field, required: false }]));
}

interface Unknown {
  readonly where: string;
  readonly key: string;
  readonly meant?: string;
}

/** The details given to this run that nothing reads. */
function unknownIn({ provider, details, clusters, templates }: Wanted): readonly Unknown[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  const of = (where: string, own: Level['details']): Unknown[] =>
    unknownDetails([{ name: 'host', details: own }], words).map(({ key, meant }) => ({
      ...{ where, key },
      ...(meant === undefined ? {} : { meant }),
    }));
  return [
    ...of('extension', details),
    ...clusters.flatMap((cluster) => [
      ...of(`cluster ${cluster.name}:`, cluster.details),
      ...cluster.hosts.flatMap((host) => of(`host ${host.name}:`, host.details)),
    ]),
    ...templates.flatMap((template) => of(`template ${template.name}:`, template.details)),
  ];
}

function asQuestion({ where, key, meant }: Unknown): string {
  return `${where} detail "${key}" is unknown; did you mean "${meant}"?`;
}

/** Values of templates with which no instance could be made. */
function templateIssues(
  { provider, templates }: Wanted,
  { after }: MergedHost,
  { secretsDirectory }: Surroundings,
): string[] {
  const readable = readableHere(provider, after, secretsDirectory, true);
  const silent = { add: () => undefined, count: 0, throwIfAny: () => undefined };
  const { values } = resolveSettings(readable, after, secretsDirectory, silent);
  return templates.flatMap(({ name, details }) => {
    const sentences: string[] = [];
    resolveBlueprint(
      { ...readable, blueprint: optional(provider.blueprint) },
      {
        ...{ settings: values, secretsDirectory, issues: silent },
        levels: [{ name: 'instance', details }],
        lenient: (sentence) => void sentences.push(sentence),
      },
    );
    return sentences.map((sentence) => `template ${name}: ${sentence}`);
  });
}

/** The machines of an extension's hosts are on a system that another provider does not speak with. */
function refuseOtherProvider(
  { name, provider, details }: Wanted,
  { extension }: Actual,
  hosts: readonly MergedHost[],
  { providers }: Surroundings,
): void {
  const script = /([^/]+?)(\.sh|\.py)?$/.exec(asText(extension?.['path']))?.[1] ?? '';
  const byFile = providers.includes(script) ? script : undefined;
  const others = hosts.flatMap(({ name: host, before = [] }) => {
    const [own, registered, shared] = [...before]
      .reverse()
      .map((level) => level.details['provider']);
    // A host with a provider of its own is not touched by that of the extension.
    if (own !== undefined || registered !== undefined || before.length === 0) return [];
    const served = shared ?? byFile;
    return served === undefined || served === provider.name ? [] : [{ host, served }];
  });
  const [first] = others;
  if (first === undefined || details['provider'] !== provider.name) return;
  const names = others.map(({ host }) => host).join(', ');
  throw new Failure(
    'conflict',
    `The extension ${name} serves the hosts ${names} as ${first.served}, and their machines would be lost to ${provider.name}`,
    {
      advice: `Give --provider ${first.served}, or register another extension for ${provider.name}`,
    },
  );
}

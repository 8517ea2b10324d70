import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Level } from '../../cloudstack/details.ts';
import { resolveBlueprint, resolveCore, resolveSettings } from '../../cloudstack/settings.ts';
import type { Fields } from '../../contract/field.ts';
import type { Provider } from '../../contract/provider.ts';
import type { MergedHost } from './merged.ts';
import type { Wanted } from './wanted.ts';

/** Facts of this server that the check needs. */
export interface Surroundings {
  readonly secretsDirectory: string;
  /** The names of all providers of this file. */
  readonly providers: readonly string[];
}

/** Everything that a call with these details would complain of. */
export function issuesOf(
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

/** Values of templates with which no instance could be made. */
export function templateIssues(
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

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { defaultConfigFile, readConfig } from '../../cloudstack/config.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { resolveBlueprint, resolveSettings } from '../../cloudstack/settings.ts';
import type { Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { issueWords, members } from '../../kit/issue-words.ts';
import { parseJson } from '../../kit/json.ts';
import { systemCode } from '../../kit/system-error.ts';
import type { CommandCall } from '../command.ts';

/** The file of `--settings`: as an operator gives a driver's details. */
export interface Written {
  readonly settings: Readonly<Record<string, string>>;
  readonly blueprint: Readonly<Record<string, string>>;
  /** The VLANs of the NICs of the instances that are made; one NIC without a VLAN unless given. */
  readonly nics: readonly (number | 'untagged')[];
}

export function readWritten({ text }: CommandCall): Written {
  const file = text('settings');
  if (file === undefined) return { settings: {}, blueprint: {}, nics: ['untagged'] };
  const result = v.safeParse(schema(), readJson(file));
  if (!result.success) throw invalid(file, issueWords(result.issues));
  const { settings = {}, blueprint = {}, nics = ['untagged'] } = result.output;
  return { settings: texts(settings), blueprint: texts(blueprint), nics };
}

function schema() {
  const values = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));
  return members({
    settings: v.optional(values),
    blueprint: v.optional(values),
    nics: v.optional(v.array(v.union([v.number(), v.literal('untagged')]))),
  });
}

function texts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

export function readJson(file: string): unknown {
  try {
    const json = parseJson(readFileSync(resolve(file), 'utf8'));
    if (json !== undefined) return json;
  } catch (error) {
    throw invalid(file, `it cannot be read (${systemCode(error)})`);
  }
  throw invalid(file, 'it is no JSON');
}

function invalid(file: string, why: string): Failure {
  return new Failure('usage', `${file} cannot be used: ${why}`);
}

export interface Values {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly blueprint: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
}

/** The values as the driver gets them, through its own fields; throws all mistakes at once. */
export function valuesFor(
  provider: Provider,
  { settings, blueprint }: Pick<Written, 'settings' | 'blueprint'>,
  { env }: CommandCall['world'],
): Values {
  const { secretsDirectory } = readConfig(env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const issues = collectIssues();
  const level = { name: 'extension', details: { driver: 'checked', ...settings } } as const;
  const resolved = resolveSettings(provider, [level], secretsDirectory, issues);
  const chosen = resolveBlueprint(provider, {
    ...{ settings: resolved.values, secretsDirectory, issues },
    levels: [level, { name: 'instance', details: blueprint }],
  });
  issues.throwIfAny('The settings do not fit the driver');
  const { values } = resolved;
  return {
    settings: values,
    blueprint: chosen.values,
    secrets: [...resolved.secrets, ...chosen.secrets],
  };
}

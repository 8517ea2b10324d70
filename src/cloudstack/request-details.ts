import type { Provider } from '../contract/provider.ts';
import type { Known } from './call-facts.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from './details.ts';
import { instanceDetails } from './instance.ts';
import type { Issues } from './issues.ts';
import { coreFields, operatorLevels, resolveBlueprint, resolveSettings } from './settings.ts';

/** Adds the provider's settings; issues are collected. */
export function withSettings<Facts extends Known<'provider' | 'payload' | 'config'>>(
  facts: Facts,
  issues: Issues,
) {
  const { provider, payload, config } = facts;
  const levels = operatorLevels(payload);
  const instance = (): Level => ({ name: 'instance', details: instanceDetails(payload) });
  const elsewhere = (): Level[] => [
    instance(),
    { name: 'action', details: payload.externaldetails.action },
  ];
  const settings = resolveSettings(provider, levels, config.secretsDirectory, issues, elsewhere);
  // Only what builds an instance or brings it to its size reads the details of the instance.
  const read = (): readonly Level[] =>
    facts.row?.needs === 'size' ? [...levels, instance()] : levels;
  return {
    ...facts,
    settings: settings.values,
    secrets: [...facts.secrets, ...settings.secrets],
    endpoint: () => JSON.stringify([provider.name, settings.texts]),
    unread: () => unreadDetails(provider, read()),
  };
}

/** Adds the blueprint and the policy as far as the action uses them; issues are collected. */
export function withBlueprint<Facts extends Known<'provider' | 'payload' | 'config' | 'settings'>>(
  facts: Facts,
  issues: Issues,
) {
  const { payload, config, row, custom } = facts;
  const { secretsDirectory } = config;
  const leftOut: string[] = [];
  const uses = row?.needs === 'size' || custom?.action.usesBlueprint === true;
  const isPartial = row?.needs === 'size' && row.blueprint === 'partial';
  const blueprint = uses
    ? resolveBlueprint(facts.provider, {
        settings: facts.settings,
        levels: [
          ...operatorLevels(payload),
          { name: 'instance', details: instanceDetails(payload) },
        ],
        secretsDirectory,
        issues,
        ...(isPartial ? { lenient: (sentence: string) => void leftOut.push(sentence) } : {}),
      })
    : { values: {}, secrets: [] };
  const policy = resolveFields(custom?.action.policy ?? {}, {
    levels: [{ name: 'action', details: payload.externaldetails.action }],
    secretsDirectory,
    issues,
  });
  return {
    ...facts,
    blueprint: blueprint.values,
    leftOut,
    policy: policy.values,
    secrets: [...facts.secrets, ...blueprint.secrets, ...policy.secrets],
  };
}

/** An unread detail fails no call; the log names it, so that a misspelt one is easy to find. */
function unreadDetails(provider: Provider, levels: readonly Level[]): readonly string[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  for (const key of Object.keys(provider.stored)) words.add(key);
  return unknownDetails(levels, words).map(({ level, key, meant }) => {
    const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
    return `${level} detail "${key}"${hint}`;
  });
}

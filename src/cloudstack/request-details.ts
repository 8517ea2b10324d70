import type { Provider, Registry } from '../contract/provider.ts';
import type { ActionRow } from './actions.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from './details.ts';
import { instanceDetails } from './instance.ts';
import type { Issues } from './issues.ts';
import type { Known } from './known.ts';
import type { Payload } from './payload.ts';
import { coreFields, resolveBlueprint, resolveSettings } from './settings.ts';

/** What a request is read with. */
export interface Reading {
  readonly registry: Registry;
  readonly startedAs: string;
  readonly secretsDirectory: string;
  readonly known: Known;
}

interface DetailsToResolve {
  readonly payload: Payload;
  readonly provider: Provider;
  readonly levels: readonly Level[];
  readonly row: ActionRow | undefined;
  readonly reading: Reading;
  readonly issues: Issues;
}

/** Settings, blueprint and policy as far as the action wants them; issues are collected. */
export function resolveDetails({
  payload,
  provider,
  levels,
  row,
  reading,
  issues,
}: DetailsToResolve) {
  const { known, secretsDirectory } = reading;
  const settings = resolveSettings(provider, levels, secretsDirectory, issues);
  known.secrets.push(...settings.secrets);
  const wanted =
    row?.blueprint ?? (known.custom?.action.usesBlueprint === true ? 'full' : undefined);
  const lenient = (sentence: string): void => void known.leftOut.push(sentence);
  const blueprint =
    wanted === undefined
      ? { values: {}, texts: {}, secrets: [] }
      : resolveBlueprint(provider, {
          settings: settings.values,
          levels: [...levels, { name: 'instance', details: instanceDetails(payload) }],
          secretsDirectory,
          issues,
          ...(wanted === 'partial' ? { lenient } : {}),
        });
  known.secrets.push(...blueprint.secrets);
  const policy = resolveFields(known.custom?.action.policy ?? {}, {
    levels: [{ name: 'action', details: payload.externaldetails.action }],
    secretsDirectory,
    issues,
  });
  known.secrets.push(...policy.secrets);
  known.unread = () => unreadDetails(provider, levels);
  return {
    settings: settings.values,
    texts: settings.texts,
    blueprint: blueprint.values,
    policy: policy.values,
  };
}

/** Nobody fails for a detail that nobody reads; a misspelt one should be easy to find, though. */
function unreadDetails(provider: Provider, levels: readonly Level[]): readonly string[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  return unknownDetails(levels, words).map(({ level, key, meant }) => {
    const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
    return `${level} detail "${key}"${hint}`;
  });
}

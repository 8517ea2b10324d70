import type { Level } from '../../cloudstack/details.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { resolveBlueprint } from '../../cloudstack/settings.ts';
import type { Fields } from '../../contract/field.ts';
import type { Check, Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { ok, warn } from './finding.ts';

interface Sources {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly levels: readonly Level[];
  readonly instance: Level;
  readonly secretsDirectory: string;
}

interface Wanted {
  /** What could be read. */
  readonly blueprint: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  readonly checks: readonly Check[];
}

/** What instances are to be made of, as far as the details say. */
export function readWanted(provider: Provider, { instance, levels, ...rest }: Sources): Wanted {
  const given = Object.keys(instance.details).length > 0;
  const issues = collectIssues();
  const leftOut: string[] = [];
  // Without an instance nothing is missing yet: its template may have it.
  const asked = given ? provider : { ...provider, blueprint: optional(provider.blueprint) };
  const { values, secrets } = resolveBlueprint(asked, {
    ...{ ...rest, levels: [...levels, instance], issues },
    ...(given ? {} : { lenient: (sentence: string): void => void leftOut.push(sentence) }),
  });
  const checks = given
    ? [instanceCheck(issues)]
    : leftOut.map((sentence) => warn('details', sentence, 'No instance can be made with it'));
  return { blueprint: values, secrets, checks };
}

function optional(fields: Fields): Fields {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([key, field]) => [key, { ...field, required: false }]));
}

function instanceCheck(issues: ReturnType<typeof collectIssues>): Check {
  try {
    issues.throwIfAny('They do not fit');
    return ok('instance', 'its details fit');
  } catch (thrown) {
    const { message } = Failure.from(thrown);
    return warn('instance', message, 'A create with these details is refused');
  }
}

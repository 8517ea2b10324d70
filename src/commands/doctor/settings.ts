import { knownWords, type Level, unknownDetails } from '../../cloudstack/details.ts';
import { collectIssues } from '../../cloudstack/issues.ts';
import { coreFields, resolveBlueprint } from '../../cloudstack/settings.ts';
import type { Fields } from '../../contract/field.ts';
import type { Check, Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import type { Tls } from '../../kit/http/tls.ts';
import { fail, ok, warn } from './finding.ts';

/** The servers that the settings trust, by the keys that all providers use. */
export function tlsOf(values: Readonly<Record<string, unknown>>): Tls {
  const { verify_tls_certificate: verify, tls_fingerprint: pins, ca_file: ca } = values;
  return {
    verify: verify !== false,
    fingerprints: Array.isArray(pins) ? (pins as string[]) : [],
    ...(typeof ca === 'string' ? { ca } : {}),
  };
}

/** Everything that is wrong with the details, at once. */
export function resolution(issues: ReturnType<typeof collectIssues>): Check {
  try {
    issues.throwIfAny('They do not fit');
    return ok('details', 'every setting fits');
  } catch (thrown) {
    return fail('details', Failure.from(thrown).message);
  }
}

/** Whether the machines can be told from those of another CloudStack, also after a change by hand. */
export function installationCheck(
  levels: readonly Level[],
  installation: string | undefined,
): Check {
  const kept = levels.flatMap(({ name, details }) => {
    const id = details['installation'];
    return id === undefined || id === '' ? [] : [{ name, id }];
  });
  if (installation === undefined) {
    return warn(
      'installation',
      'not set: no machine with a mark counts as one of this CloudStack',
      'Let `outrigger register` write it; for an extension that has lost it, `register --installation ID` with the id in the marks, which `outrigger audit` names',
    );
  }
  const places = kept.map(({ name }) => name);
  if (new Set(kept.map(({ id }) => id)).size > 1) {
    const words = kept.map(({ name, id }) => `${name} has ${id}`).join(', ');
    return fail(
      'installation',
      `its places contradict each other: ${words}`,
      '`outrigger register NAME --installation ID` sets both right',
    );
  }
  const missing = (['extension', 'cluster registration'] as const).filter(
    (place) => !places.includes(place),
  );
  if (missing.length === 1) {
    return warn(
      'installation',
      `${installation}, but the ${missing.join('')} does not keep it: a change of details by hand can lose it, and then running instances count as stopped`,
      '`outrigger register` writes it to both places',
    );
  }
  return ok('installation', `${installation} (${places.join(' and ')})`);
}

/** Values that end exactly where CloudStack cuts: 255 characters of a host, 255 or 4,096 of the others. */
export function cutChecks(levels: readonly Level[]): Check[] {
  return levels.flatMap(({ name, details }) => {
    const ends = name === 'host' ? [255] : [255, 4096];
    return Object.entries(details)
      .filter(([, value]) => ends.includes(value.length))
      .map(([key, { length }]) =>
        warn(
          'details',
          `${name} detail "${key}" has exactly ${length} characters: CloudStack may have cut it there without a word`,
          'Compare its end with what was given; `outrigger register` refuses values that do not fit and says where they would',
        ),
      );
  });
}

/** Details that neither the core nor the provider reads, each with the one that may have been meant. */
export function unknownDetailChecks(provider: Provider, levels: readonly Level[]): Check[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  return unknownDetails(levels, words).map(({ level, key, meant }) =>
    warn(
      'details',
      `${level} detail "${key}" is unknown`,
      meant === undefined ? 'Remove it if it has no use' : `Did you mean "${meant}"?`,
    ),
  );
}

interface Sources {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly levels: readonly Level[];
  readonly instance: Level;
  readonly secretsDirectory: string;
}

interface Wanted {
  /** The values that could be read. */
  readonly blueprint: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  readonly checks: readonly Check[];
}

/** The blueprint of an instance, as far as the details give one. */
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

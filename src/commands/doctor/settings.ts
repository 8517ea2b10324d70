import { knownWords, type Level, unknownDetails } from '../../cloudstack/details.ts';
import type { collectIssues } from '../../cloudstack/issues.ts';
import { coreFields } from '../../cloudstack/settings.ts';
import type { Check, Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import type { Tls } from '../../kit/http/tls.ts';
import { fail, ok, warn } from './finding.ts';

/** Whom the settings trust, by the names that all providers use. */
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

/** Whether the machines can be told from those of another CloudStack. */
export function installationCheck(installation: string | undefined): Check {
  if (installation !== undefined) return ok('installation', installation);
  return warn(
    'installation',
    'not set: another CloudStack on the same system could not be told from this one',
    'Let `outrigger register` write it',
  );
}

/** Details that nobody reads, each with what may have been meant. */
export function strangers(provider: Provider, levels: readonly Level[]): Check[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  return unknownDetails(levels, words).map(({ level, key, meant }) =>
    warn(
      'details',
      `${level} detail "${key}" is not read by anybody`,
      meant === undefined ? 'Remove it if it has no use' : `Did you mean "${meant}"?`,
    ),
  );
}

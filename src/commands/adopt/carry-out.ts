import { Failure, fullText } from '../../failure.ts';
import type { OpenHost } from '../audit/scan.ts';
import type { Match } from './match.ts';

/** How marking one machine ended. */
export interface Outcome {
  readonly match: Match;
  readonly error?: string;
}

/**
 * Marks one machine after the other; the provider takes a last look at each. A plan ends with that look, so
 * that it promises nothing that is refused afterwards.
 */
export async function carryOut(
  matches: readonly Match[],
  { planned }: { readonly planned: boolean },
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const match of matches) {
    try {
      await adoptOne(match, planned);
      outcomes.push({ match });
    } catch (thrown) {
      outcomes.push({ match, error: fullText(Failure.from(thrown)) });
    }
  }
  return outcomes;
}

async function adoptOne({ instance, seenMachine }: Match, planned: boolean): Promise<void> {
  const [openHost] = seenMachine.openHosts;
  const { verbs, installation } = openHost;
  if (installation === '') {
    throw new Failure('config', `${openHost.host.name} has no installation to mark machines with`, {
      advice: 'Run `outrigger register` first: it writes the detail',
    });
  }
  const { uuid, name, state } = instance;
  const whose = {
    ...{ uuid, name, state, deploying: false },
    stored: storedBy(openHost, instance.details),
  };
  const { remoteId } = seenMachine.machine;
  await (planned ? verbs.planAdoption(remoteId, whose) : verbs.adopt(remoteId, whose));
}

function storedBy(
  { provider }: OpenHost,
  details: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const keys = Object.keys(provider.stored).filter((key) => Object.hasOwn(details, key));
  return Object.fromEntries(keys.map((key) => [key, details[key] ?? '']));
}

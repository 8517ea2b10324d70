import { Failure, isKind, wasNotSent } from '../../failure.ts';
import type { Endpoint } from './address.ts';
import { allFailed, isPersistent } from './errors.ts';
import type { Expiry } from './expiry.ts';

export interface Plan {
  readonly title: string;
  /** The most promising first. */
  readonly endpoints: readonly Endpoint[];
  /** Doing it twice is as good as doing it once. */
  readonly safe: boolean;
  readonly retries: number;
  readonly expiry: Expiry;
}

const firstPauseMs = 100;

/**
 * Tries each endpoint, then all again after a pause that grows, until one answers.
 *
 * Only trouble on the way leads to another try, and for a change only when it cannot have arrived.
 */
export async function tryInTurn<T>(
  { title, endpoints, safe, retries, expiry }: Plan,
  once: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  for (let round = 0; ; round += 1) {
    const failures: Failure[] = [];
    for (const endpoint of endpoints) {
      try {
        return await once(endpoint);
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        failures.push(thrown);
        if (!mayGoOn(thrown, safe)) {
          throw wasNotSent(thrown) ? allFailed(title, failures) : thrown;
        }
      }
    }
    const pauseMs = firstPauseMs * 3 ** round;
    const over = round >= retries || pauseMs >= expiry.remainingMs();
    if (over || failures.every(isPersistent)) throw allFailed(title, failures);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function mayGoOn(thrown: unknown, safe: boolean): boolean {
  return isKind(thrown, 'unreachable') && (safe || wasNotSent(thrown));
}

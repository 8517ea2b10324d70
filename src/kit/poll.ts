import type { Deadline } from '../contract/context.ts';

export interface Pace {
  /** The first pause in milliseconds; short, since most tasks are. */
  readonly firstMs?: number;
  /** No pause gets longer than this. */
  readonly mostMs?: number;
  /** How much longer each pause is than the one before. */
  readonly growth?: number;
}

/**
 * Looks until there is something to see, quickly at first and then ever more patiently.
 *
 * `look` answers `undefined` for "not yet"; what it throws ends the wait. Fails with `timeout` when
 * the deadline comes first; `what` ends that sentence.
 */
export async function poll<T>(
  deadline: Deadline,
  what: string,
  look: () => Promise<T | undefined>,
  { firstMs = 50, mostMs = 2000, growth = 1.5 }: Pace = {},
): Promise<T> {
  for (let pauseMs = firstMs; ; pauseMs = Math.min(mostMs, pauseMs * growth)) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await deadline.sleep(pauseMs, what);
  }
}

import type { Deadline } from '../contract/context.ts';

export interface Pace {
  /** The first pause in milliseconds; short, since most tasks end soon. */
  readonly firstMs?: number;
  /** The longest pause in milliseconds. */
  readonly mostMs?: number;
  /** The factor from one pause to the next. */
  readonly growth?: number;
}

/**
 * Calls `look` until it returns a value, with pauses that grow.
 *
 * `look` returns `undefined` for "not yet"; an error that it throws ends the wait. Fails with `timeout` when
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

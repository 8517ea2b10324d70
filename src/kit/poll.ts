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

/** As `poll`, for as long as `ms` at most; answers whether there was something to see by then. */
export async function pollFor(
  deadline: Deadline,
  { ms, what }: { readonly ms: number; readonly what: string },
  look: () => Promise<boolean>,
): Promise<boolean> {
  const endMs = deadline.remainingMs() - ms;
  for (let pauseMs = 50; ; pauseMs = Math.min(1000, pauseMs * 1.5)) {
    if (await look()) return true;
    const leftMs = deadline.remainingMs() - endMs;
    if (leftMs <= 0) return false;
    await deadline.sleep(Math.min(pauseMs, leftMs), what);
  }
}

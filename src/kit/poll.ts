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

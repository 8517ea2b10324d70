import type { Deadline } from '../contract/context.ts';

export interface Pace {
  /** The first pause in milliseconds; short, since most tasks end soon. */
  readonly firstMs?: number;
  /** The longest pause in milliseconds. */
  readonly mostMs?: number;
  /** The factor from one pause to the next. */
  readonly growth?: number;
  /** The first pauses, where it is known when most of such work ends; those after them grow. */
  readonly first?: readonly number[];
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
  { firstMs = 50, mostMs = 2000, growth = 1.5, first = [] }: Pace = {},
): Promise<T> {
  let pauseMs = firstMs;
  for (let turn = 0; ; turn += 1) {
    const seen = await look();
    if (seen !== undefined) return seen;
    const known = first[turn];
    await deadline.sleep(known ?? pauseMs, what);
    if (known === undefined) pauseMs = Math.min(mostMs, pauseMs * growth);
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

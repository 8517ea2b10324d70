import type { Deadline } from '../contract/context.ts';

export interface RetryPolicy<T> {
  readonly deadline: Pick<Deadline, 'remainingMs' | 'sleep'>;
  /** The reason for the pauses; completes "Gave up after 9 s while ...". */
  readonly doing: string;
  /** How long to wait after the failed try, the first being 1; `undefined` when it is the last. */
  pauseMs(thrown: unknown, turn: number): number | undefined;
  /** Called when there will be another try, before the pause. */
  onRepeat?(thrown: unknown, turn: number): void;
  /** Called after a pause; a value that it returns is the result, and no further try is made. */
  unlessDone?(thrown: unknown): Promise<T | undefined>;
}

/**
 * Tries until a try succeeds or the policy calls a failure the last one, and throws that failure.
 *
 * A pause that the deadline would cut off is not begun: what came of the last try says more than
 * that there was no time for another.
 */
export async function retryWhile<T>(policy: RetryPolicy<T>, once: () => Promise<T>): Promise<T> {
  const { deadline, doing } = policy;
  for (let turn = 1; ; turn += 1) {
    let failed: unknown;
    try {
      return await once();
    } catch (thrown) {
      const pauseMs = policy.pauseMs(thrown, turn);
      if (pauseMs === undefined || pauseMs >= deadline.remainingMs()) throw thrown;
      policy.onRepeat?.(thrown, turn);
      if (pauseMs > 0) await deadline.sleep(pauseMs, doing);
      failed = thrown;
    }
    const done = await policy.unlessDone?.(failed);
    if (done !== undefined) return done;
  }
}

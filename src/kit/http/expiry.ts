import type { Deadline } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';

/** The end of one request: the deadline or the request's own limit, whichever comes first. */
export type Expiry = Pick<Deadline, 'remainingMs' | 'onEnd' | 'failure'>;

/** Without a limit the deadline itself. */
export function createExpiry(deadline: Deadline, limitMs?: number): Expiry {
  // The deadline's own clock serves: the platform's would load eleven modules on first use.
  const afterwardsMs = deadline.remainingMs() - (limitMs ?? Infinity);
  if (limitMs === undefined || afterwardsMs <= 0) return deadline;
  const leftMs = (): number => Math.max(0, deadline.remainingMs() - afterwardsMs);
  return {
    remainingMs: leftMs,
    onEnd(callback) {
      const end = (): void => {
        stop();
        callback();
      };
      const timer = setTimeout(end, Math.min(Math.ceil(leftMs()), 0x7fffffff));
      const release = deadline.onEnd(end);
      const stop = (): void => {
        clearTimeout(timer);
        release();
      };
      return stop;
    },
    failure: (what) =>
      deadline.remainingMs() === 0
        ? deadline.failure(what)
        : new Failure('timeout', `Gave up after ${limitMs / 1000} s while ${what}`),
  };
}

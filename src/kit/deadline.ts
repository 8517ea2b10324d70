import type { Deadline } from '../contract/context.ts';
import { Failure } from '../failure.ts';

export interface DeadlineControl extends Deadline {
  /** Ends the work now, for a reason such as a signal; undo gets at most `undoMs`. */
  cutShort(reason: string, undoMs: number): void;
  /** Whether the work was ended early: its failure says nothing about the remote system. */
  wasCutShort(): boolean;
}

/** Milliseconds on a clock that never steps, 0 when the process started. */
export type Clock = () => number;

interface Times {
  readonly endMs: number;
  readonly undoEndMs: number;
}

/**
 * A deadline on a monotonic clock: work ends at `endMs`, undo at `undoEndMs`.
 *
 * A timer runs only during a wait, so that a deadline alone never keeps the process alive.
 */
export function createDeadline(clock: Clock, times: Times): DeadlineControl {
  const startedMs = clock();
  const listeners = new Set<() => void>();
  let { endMs, undoEndMs } = times;
  let cut: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const failure = (what: string): Failure =>
    cut === undefined
      ? new Failure('timeout', `Gave up after ${seconds(clock() - startedMs)} while ${what}`)
      : new Failure('timeout', `${cut} while ${what}`);

  const ring = (): void => {
    timer = undefined;
    if (clock() < endMs) {
      arm();
      return;
    }
    for (const listener of [...listeners]) {
      listeners.delete(listener);
      listener();
    }
  };
  const arm = (): void => {
    clearTimeout(timer);
    timer = setTimeout(ring, Math.min(Math.max(0, endMs - clock()) + 1, 0x7fffffff));
  };
  const disarm = (): void => {
    if (listeners.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  };

  const deadline: DeadlineControl = {
    remainingMs: () => Math.max(0, endMs - clock()),
    failure,
    onEnd(callback) {
      listeners.add(callback);
      if (timer === undefined) arm();
      return () => {
        listeners.delete(callback);
        disarm();
      };
    },
    within<T>(promise: Promise<T>, what: string): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const release = deadline.onEnd(() => reject(failure(what)));
        promise.then(resolve, reject).finally(release);
      });
    },
    sleep(ms, what) {
      if (ms > deadline.remainingMs()) return Promise.reject(failure(what));
      let nap: NodeJS.Timeout | undefined;
      const rest = new Promise<void>((resolve) => {
        nap = setTimeout(resolve, ms);
      });
      return deadline.within(rest, what).finally(() => clearTimeout(nap));
    },
    forUndo: () => createDeadline(clock, { endMs: undoEndMs, undoEndMs }),
    cutShort(reason, undoMs) {
      if (cut !== undefined) return;
      cut = reason;
      endMs = Math.min(endMs, clock());
      undoEndMs = Math.min(undoEndMs, clock() + undoMs);
      arm();
    },
    wasCutShort: () => cut !== undefined,
  };
  return deadline;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** A deadline for a command of an operator: so many seconds from now, and five more to undo. */
export function deadlineIn(forSeconds: number): DeadlineControl {
  const clock = (): number => performance.now();
  const endMs = clock() + forSeconds * 1000;
  return createDeadline(clock, { endMs, undoEndMs: endMs + 5000 });
}

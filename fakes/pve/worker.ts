import type { Clock } from './clock.ts';
import { apiError } from './errors.ts';
import type { TaskFault } from './faults.ts';

/** The functions that a worker's code may use. */
export interface Worker {
  log(line: string): void;
  warn(line: string): void;
  /** Works so long in the cluster's time, or until it is interrupted. */
  work(ms: number): Promise<void>;
  /** The error of a worker that a signal ends. */
  onSignal(text: string): void;
  /** Ends its work early and well, as when a client has come to the console. */
  finish(): void;
  /** Resolves when it is killed: the work that held a lock file releases it then. */
  readonly killed: Promise<void>;
}

/** The other side of a worker: what is done to it. */
export interface Reins {
  readonly worker: Worker;
  readonly log: string[];
  warnings(): number;
  /** The signal that DELETE sends. */
  interrupt(): void;
  kill(): void;
}

/** A killed worker never comes back to its work. */
export const never = new Promise<never>(() => {});

export function createWorker(clock: Clock, fault: TaskFault = {}): Reins {
  const log: string[] = [];
  const death = settable();
  let warnings = fault.warnings === true ? 1 : 0;
  let signalText = 'received interrupt';
  let signal: Error | undefined;
  let dead = false;
  let stop = (_error?: Error): void => {};

  const kill = (): void => {
    dead = true;
    stop(new Error('killed'));
    death.set();
  };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const cancel = fault.never === true ? () => {} : clock.after(ms, resolve);
      if (fault.kill === true) clock.after(ms / 2, kill);
      stop = (error) => {
        cancel();
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  const worker: Worker = {
    killed: death.promise,
    log: (line) => void (dead || log.push(line)),
    warn(line) {
      warnings += 1;
      log.push(`WARN: ${line}`);
    },
    onSignal(text) {
      signalText = text;
    },
    finish: () => stop(),
    async work(ms) {
      if (signal !== undefined) throw signal;
      try {
        if (!dead) await wait(fault.durationMs ?? ms);
      } catch (error) {
        if (!dead) throw error;
      }
      if (dead) return never;
      if (fault.fail !== undefined) throw apiError(500, fault.fail);
    },
  };
  return {
    ...{ worker, log, kill, warnings: () => warnings },
    interrupt() {
      signal = apiError(500, signalText);
      stop(signal);
    },
  };
}

function settable(): { readonly promise: Promise<void>; set(): void } {
  let set = (): void => {};
  const promise = new Promise<void>((resolve) => {
    set = resolve;
  });
  return { promise, set: () => set() };
}

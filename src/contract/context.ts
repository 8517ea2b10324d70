import type { Failure } from '../failure.ts';
import type { Instance } from './instance.ts';

/**
 * When the work has to end. Every wait of a provider goes through it, so that no wait is still going on
 * when the management server kills the process.
 */
export interface Deadline {
  /** Milliseconds until the work has to end; 0 when it is over. */
  remainingMs(): number;
  /** Waits, or fails with `timeout` as soon as the time cannot suffice; `what` ends the sentence. */
  sleep(ms: number, what: string): Promise<void>;
  /** The promise's own result, or `timeout` once the time is up. */
  within<T>(promise: Promise<T>, what: string): Promise<T>;
  /** Calls back once when the time is up; the result takes the call back. */
  onEnd(callback: () => void): () => void;
  /** The failure that ends a wait: what was waited for and for how long. */
  failure(what: string): Failure;
  /** The same clock with the margin added in which what was begun is undone. */
  forUndo(): Deadline;
}

/** Writes one event with its facts; `level` among them is the line's level, `info` without. */
export type Log = (event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** The parts of the process that a provider may use. */
export interface Context {
  readonly deadline: Deadline;
  readonly log: Log;
  /** The action that the call is for, such as `create`; a command's own word for an operator. */
  readonly action?: string;
  /** The remote system was unreachable moments ago: a connection is waited for shortly, and once. */
  readonly suspect?: boolean | undefined;
  /** Which CloudStack this is; machines of another one are invisible. Empty until registered. */
  readonly installation: string;
  /** A directory of the calling user for notes that a provider keeps between calls; made on demand. */
  stateDirectory(name: string): string;
}

/** The occasion of a primitive: `deadline` ends its waiting, also while changes are taken back. */
export interface Step {
  readonly instance: Instance;
  readonly deadline: Deadline;
}

/** Collects, beside each change, what takes it back. */
export interface Undo {
  /** `what` completes "could not ...", such as `remove machine 101`. */
  add(what: string, takeBack: (deadline: Deadline) => Promise<void>): void;
}

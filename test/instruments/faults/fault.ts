import type { Place } from '../../support/world.ts';
import type { Call, Cloud, Done } from './cloud.ts';
import type { Exchange, FaultProxy, Opening } from './proxy.ts';
import type { System } from './systems.ts';

/** The parties to a call while a fault is on. */
export interface Scene {
  readonly place: Place;
  readonly remote: System;
  readonly cloud: Cloud;
}

/** The changes of a fault to the environment of the call. */
export interface Surroundings {
  /** The call is made with these details or another payload. */
  readonly call?: Partial<Call>;
  /** Calls that are begun at the same time, by their words; `same` is the call itself. */
  readonly beside?: readonly string[];
  /** How long a failure is remembered, where it is not as in all other cases. */
  readonly memoSeconds?: number;
  /** Judges what became of the remote system, in place of what the call claims about the instance. */
  judge?(done: readonly Done[]): Promise<readonly string[]>;
  /** Waits until work that was accepted meanwhile has come to its end; before the end is judged. */
  settle?(): Promise<void>;
  /** Everything is as it was. */
  undo?(): Promise<void> | void | undefined;
}

/** Further effects that an injected fault may have. */
export interface Reach {
  readonly remote: System & { readonly proxy: FaultProxy };
  kill(signal: NodeJS.Signals): void;
}

/**
 * Something that goes wrong, as a value. Without `at` it is there from the beginning; with it there
 * is a case for each request of the action, or for each changing one.
 */
export interface Fault {
  readonly name: string;
  /** For the legend: what happens. */
  readonly about: string;
  readonly at?: 'request' | 'change';
  /** At so many of them only, spread from the first to the last; at all of them without. */
  readonly most?: number;
  /** From where it is injected, for good; otherwise once. Without `at` always. */
  readonly lasts?: boolean;
  /** Of the call, in seconds; short for what is noticed only when the time is up. */
  readonly timeoutSeconds?: number;
  /** The error that the caller has to get; a fault without it leaves the action a choice. */
  readonly told?: readonly string[];
  /** Played with the rights of the provider's page alone, and what those rights are about. */
  readonly narrowRights?: boolean;
  /** How often the call is made while it lasts, one after the other; once unless said otherwise. */
  readonly times?: number;
  /** More connections than this would mean that nothing was remembered. */
  readonly mostConnections?: number;
  /** Why it cannot be played here, if so. */
  lacks?(provider: string): string | undefined;
  /** For these actions only; all of them without. */
  readonly actions?: readonly string[];

  /** The effect on a connection, counted from 1, before its first byte. */
  opening?(connection: number): Opening | undefined;
  effect?(exchange: Exchange, reach: Reach): unknown;
  /** Sent to the process at a request, or at a change of its directory where there are none. */
  readonly signal?: 'SIGTERM' | 'SIGKILL';
  surround?(scene: Scene): Promise<Surroundings> | Surroundings;
}

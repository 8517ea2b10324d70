import type { Vm } from '../../support/payloads.ts';
import type { Call } from './cloud.ts';
import type { SystemName } from './systems.ts';

/** What there has to be in the end, when CloudStack has made all its calls. */
export type End = 'running' | 'stopped' | 'gone' | 'audited';

/** An action as a value: what is there before, the call, and what CloudStack does next. */
export interface Action {
  readonly name: string;
  /** What the instance is before: no machine yet, or one of these. */
  readonly from: 'nothing' | 'prepared' | 'half-made' | 'running' | 'stopped';
  /** What is done with it then, before anything goes wrong. */
  before?(vm: Vm, provider: SystemName): readonly Call[];
  /** `brought` is the answer to the last of the calls before. */
  call(vm: Vm, provider: SystemName, brought: string): Call;
  /** CloudStack's calls after a failure or a time-out; they have to succeed. */
  readonly failed: readonly Follow[];
  readonly succeeded?: readonly Follow[];
  readonly end: End;
  /** What the instance keeps on its disk is another thing afterwards. */
  readonly newDisk?: boolean;
  /** Calls of this one and of the clean-up after it, while the fault lasts. */
  readonly pairs?: number;
  readonly only?: readonly SystemName[];
  /** Injected at so many requests or changes only by faults that do not inject at all of them. */
  readonly most?: number;
  /** For the faults of these names only; all of them without. */
  readonly faults?: readonly string[];
}

/**
 * A later call: the action itself again, here or elsewhere, another one, or what the power sync
 * does: it asks, and where the machine is off it stops the instance, which somebody starts then.
 */
export type Follow = 'again' | 'elsewhere' | 'sync' | Call;

/** What CloudStack calls when a start has failed, before it does anything else. */
export const cleanUp: Call = { word: 'stop', state: 'Starting', deploying: true };

/** What CloudStack calls for a user who stops an instance. */
export const stop: Call = { word: 'stop', state: 'Running' };

/** Enough for what is the same whatever is to be done: it goes wrong before that is looked at. */
export const few = ['create', 'stop', 'delete', 'status'] as const;

/** Faults after which nobody knows what became of the action. */
export const inTheDark = [
  'none',
  'refused',
  'gone',
  'answer-lost',
  'hang-after',
  'killed',
  'terminated',
  'state-full',
] as const;

/** A call of this word alone. */
export const word = (name: string) => (): Call => ({ word: name });

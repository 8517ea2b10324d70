import type { Vm } from '../../support/payloads.ts';
import type { Call } from './cloud.ts';
import type { SystemName } from './systems.ts';

/** The state that the instance has to be in when CloudStack has made all its calls. */
export type End = 'running' | 'stopped' | 'gone' | 'audited';

/** An action as a value: what is there before, the call, and what CloudStack does next. */
export interface Action {
  readonly name: string;
  /** The instance before the action: no machine yet, or one of these. */
  readonly from: 'nothing' | 'prepared' | 'partial' | 'running' | 'stopped';
  /** The calls about it before the fault. */
  before?(vm: Vm, provider: SystemName): readonly Call[];
  /** `brought` is the answer to the last of the calls before. */
  call(vm: Vm, provider: SystemName, brought: string): Call;
  /** CloudStack's calls after a failure or a time-out; they have to succeed. */
  readonly failed: readonly Follow[];
  readonly succeeded?: readonly Follow[];
  readonly end: End;
  /** The action replaces the content of the disk. */
  readonly newDisk?: boolean;
  /** Calls of this one and of the clean-up after it, while the fault lasts. */
  readonly pairs?: number;
  readonly only?: readonly SystemName[];
  /** The instance brings user data. */
  readonly userData?: boolean;
  /** How many requests or changes get the fault, where not all of them do. */
  readonly most?: number;
  /** For the faults of these names only; all of them without. */
  readonly faults?: readonly string[];
}

/**
 * A later call: the action itself again, here or elsewhere, another one, or what the power sync
 * does: it asks, and where the machine is off it stops the instance, which a user starts then.
 */
export type Follow = 'again' | 'elsewhere' | 'sync' | Call;

/** The call that CloudStack makes first when a start has failed. */
export const cleanUp: Call = { word: 'stop', state: 'Starting', deploying: true };

/** The call that CloudStack makes for a user who stops an instance. */
export const stop: Call = { word: 'stop', state: 'Running' };

/** Actions enough for faults that end a call before its action counts. */
export const few = ['create', 'stop', 'delete', 'status'] as const;

/** Faults after which the caller cannot know the result of the action. */
export const resultUnknown = [
  'none',
  'refused',
  'gone',
  'answer-lost',
  'hang-after',
  'killed',
  'accepted',
  'terminated',
  'state-full',
] as const;

/** A call of this word alone. */
export const word = (name: string) => (): Call => ({ word: name });

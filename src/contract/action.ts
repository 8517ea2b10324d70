import type { Step, Undo } from './context.ts';
import type { Field, Fields, Values } from './field.ts';
import type { Instance, Role } from './instance.ts';

/**
 * A value for people, who read a time in UTC, `512 MiB`, `2 h 5 min`, `yes`, nothing for null, and a
 * line for each text of a list.
 */
export type Cell = string | number | boolean | null | Date | Quantity | readonly string[];

export type Quantity = { readonly bytes: number } | { readonly seconds: number };

/** The answer to a custom action: a sentence, and in its place a table where there is one to show. */
export interface Outcome {
  readonly message: string;
  /** By titles for people, which are the same in every row; five at most, the longest value last. */
  readonly rows?: readonly Readonly<Record<string, Cell>>[];
  /** The title of the column that the reader copies from: its values are never broken into lines. */
  readonly toCopy?: string;
  /** The properties of one thing, by titles for people; in place of `rows`. */
  readonly facts?: Readonly<Record<string, Cell>>;
}

/** A parameter of a custom action, with the type CloudStack shall check. */
export interface Parameter<Value = unknown> extends Field<Value> {
  /** Not DATE: that comes without a zone, in the words of the management server's locale. */
  readonly type: 'STRING' | 'NUMBER' | 'BOOLEAN';
  /** A name for people, under which an operator may have it registered in place of its own. */
  readonly title?: string;
  readonly format?: 'UUID' | 'EMAIL' | 'PASSWORD' | 'URL' | 'DECIMAL';
  readonly options?: readonly string[];
  /** The settings that list the values: their texts become the options where they name all of them. */
  readonly optionsFrom?: readonly string[];
}

export type Parameters = Readonly<Record<string, Parameter>>;

export const everyone: readonly Role[] = ['Admin', 'ResourceAdmin', 'DomainAdmin', 'User'];
export const adminOnly: readonly Role[] = ['Admin'];

/** A custom action as it is registered, documented, checked and run. */
export interface Action<P extends Parameters = Parameters, F extends Fields = Fields> {
  readonly about: string;
  /** Shown after success, such as `The instance was reset`; without it CloudStack's own words. */
  readonly succeeded?: string;
  /** Shown after failure, since CloudStack shows no reason: its rules, and the usual reasons. */
  readonly failed?: string;
  /** For the order of CloudStack's list, from everyday to dangerous; `changes` unless said otherwise. */
  readonly effect?: 'shows' | 'changes' | 'interrupts' | 'discards';
  readonly parameters: P;
  /** How long the action may take; CloudStack's own default of 3 s kills most of them. */
  readonly timeoutSeconds: number;
  readonly roles: readonly Role[];
  /** Throws an instance's data away (`discards`): the caller has to give the instance's ID or name as `confirm`. */
  readonly destroysData?: boolean;
  /** `built` unless said otherwise. */
  readonly wants?: Wants;
  /** The handler wants the blueprint, checked as for create. */
  readonly usesBlueprint?: boolean;
  /** Details of the action itself, which only an administrator can set. */
  readonly policy?: F;
}

export type Actions = Readonly<Record<string, Action>>;

/**
 * Which machine a custom action's handler gets: one that is `shown`, finished or not; one that may be
 * changed (`built`) or is on besides (`running`), while no other call changes it; or `none`.
 */
export type Wants = 'none' | 'shown' | 'built' | 'running';

/** The argument of a custom action, checked and translated. */
export interface Run<P extends Parameters, B, F extends Fields> {
  readonly instance: Instance;
  readonly parameters: Values<P>;
  readonly policy: Values<F>;
  /** Only for an action with `usesBlueprint`. */
  readonly blueprint: B;
}

/** The argument of a driver's handler. */
export interface ActionCall<M, P extends Parameters, B, F extends Fields>
  extends Run<P, B, F>,
    Step {
  /** As the action `wants` it; `undefined` only for one that wants none. */
  readonly machine: M;
  readonly undo: Undo;
}

/** Declared as a method, so that handlers of one provider pass for handlers of any. */
export type Handler<Call> = { handle(call: Call): Promise<Outcome> }['handle'];

/** The handlers of a provider's actions, by name; the lifecycle serves those about snapshots and disks. */
export type Handlers<M, B, A extends Actions> = {
  readonly [Name in Exclude<keyof A, SnapshotAction | DiskAction>]: Handler<
    ActionCall<
      A[Name] extends { readonly wants: 'none' } ? undefined : M,
      A[Name]['parameters'],
      B,
      NonNullable<A[Name]['policy']>
    >
  >;
} & {
  /** For a driver without `disks`. */
  readonly [Name in Extract<keyof A, 'ResizeDisk'>]?: Handler<
    ActionCall<M, A[Name]['parameters'], B, NonNullable<A[Name]['policy']>>
  >;
};

export type SnapshotAction =
  | 'ListSnapshots'
  | 'CreateSnapshot'
  | 'RestoreSnapshot'
  | 'DeleteSnapshot';

export type DiskAction =
  | 'ListDisks'
  | 'AddDisk'
  | 'DetachDisk'
  | 'AttachDisk'
  | 'DeleteDisk'
  | 'ResizeDisk'
  | 'MoveDisk';

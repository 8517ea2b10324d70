import type { Actions, Handler, Run } from './action.ts';
import type { Context } from './context.ts';
import type { Console, Driver, Preparation, StopManner } from './driver.ts';
import type { Fields, Values } from './field.ts';
import type { Instance, SizedInstance } from './instance.ts';
import type { Machine, Power, RemoteMachine } from './machine.ts';

/** One finding of `doctor`. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly found: string;
  readonly advice?: string;
}

/**
 * One action's work against one remote system. Every member is idempotent, ends before the
 * deadline with its undo, and touches only machines whose mark names this instance.
 */
export interface Session<B extends Fields = Fields, A extends Actions = Actions> {
  /** Chooses what CloudStack should remember; may be skipped or repeated. */
  prepare?(instance: SizedInstance, blueprint: Values<B>): Promise<Preparation>;
  /** Ends only when the machine runs; what it made is gone after a failure. */
  create(instance: SizedInstance, blueprint: Values<B>): Promise<void>;
  /** Brings NICs, CPUs and memory to what the instance says, then powers on; built machines only. */
  start(instance: SizedInstance, blueprint: Partial<Values<B>>): Promise<void>;
  /** Succeeds at once for a machine that is stopped or proved missing. */
  stop(instance: Instance, manner: StopManner): Promise<void>;
  /** Ends when the machine is really back. */
  reboot(instance: Instance): Promise<void>;
  /** Succeeds for a machine proved missing; removes only what the mark proves. */
  delete(instance: Instance): Promise<void>;
  /** Fails with `not-found` for a machine proved missing; a network error is never `off`. */
  power(instance: Instance): Promise<Power>;
  /** By instance name, for this host's machines only; proves first that it can see. */
  powers?(): Promise<ReadonlyMap<string, Power>>;
  console?(instance: Instance): Promise<Console>;
  /** All machines that this host can see, of any origin; proves first that it can see. */
  machines?(): Promise<readonly RemoteMachine[]>;
  /** Marks this unmarked machine as the instance's; refuses templates and marked ones. */
  adopt?(remoteId: string, instance: Instance): Promise<void>;
  /** The handlers of the provider's custom actions, by name. */
  readonly run?: {
    readonly [Name in keyof A]: Handler<
      Run<A[Name]['parameters'], Values<B>, NonNullable<A[Name]['policy']>>
    >;
  };
}

export interface Provider<
  S extends Fields = Fields,
  B extends Fields = Fields,
  A extends Actions = Actions,
> {
  /** The word for it everywhere: folder, detail, documentation. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Connection and policy: from extension, cluster registration and host, never from an instance. */
  readonly settings: S;
  /** The things to build: operators give the default, the instance may choose within the limits. */
  readonly blueprint: B;
  /** VM details that prepare hands back, with a sentence each. */
  readonly stored: Readonly<Record<string, string>>;
  /** None is called `status` or `statuses`: those words get little time even where CloudStack allows more. */
  readonly actions: A;
  /** Whether CloudStack has to call prepare before create. */
  readonly prepares: boolean;
  /** Contradictions between settings, in the operator's words. */
  settingsIssues?(settings: Values<S>): readonly string[];
  /** Contradictions between what is to be built and the settings. */
  blueprintIssues?(blueprint: Values<B>, settings: Values<S>): readonly string[];
  /** Where the remote system answers, as URLs, for `doctor`; without it: the settings that are URLs. */
  endpoints?(settings: Values<S>): readonly string[];
  /**
   * For `doctor`; changes nothing and works even when `open` would fail. The blueprint is what the
   * operator's details give every instance, with the choices of one where `doctor` got them.
   */
  checks?(
    settings: Values<S>,
    context: Context,
    blueprint?: Partial<Values<B>>,
  ): Promise<readonly Check[]>;
  /** The driver for one call; asks nothing of the remote system before a primitive is called. */
  connect?(
    settings: Values<S>,
    context: Context,
  ): Driver<Machine, Values<B>, A> | Promise<Driver<Machine, Values<B>, A>>;
  /** In place of `connect`: serves whole actions by itself. */
  open?(settings: Values<S>, context: Context): Session<B, A> | Promise<Session<B, A>>;
}

/** Infers a provider's types for its author and erases them for everybody else. */
export function defineProvider<
  const S extends Fields,
  const B extends Fields,
  const A extends Actions,
>(provider: Provider<S, B, A>): Provider {
  return provider;
}

/** The providers by name; each is loaded only when a call is for it. */
export type Registry = Readonly<Record<string, () => Promise<Provider>>>;

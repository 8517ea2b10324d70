import type { GenericSchema, InferOutput } from 'valibot';
import type { Deadline } from './kit/deadline.ts';
import type { Log } from './kit/log.ts';
import type { Mark } from './kit/mark.ts';

/*
 * The contract a provider fulfils. A provider is a value: what it is called, which details it
 * reads, which actions it adds, and `open`, which makes the session that does the work. Everything
 * CloudStack spells in its own way has been read, checked and translated before it gets here.
 */

// ---- what a detail is ---------------------------------------------------------------------------

/**
 * One detail or parameter: a sentence about it and a schema from its text to its value.
 *
 * The schema is built when it is first needed, since every call pays for what it builds.
 */
export interface Field<Value = unknown> {
  /** One sentence for the reference; starts with a capital, no full stop. */
  readonly about: string;
  readonly schema: () => GenericSchema<string, Value>;
  readonly required?: boolean;
  /** As an operator would write it; goes through the schema like any other text. */
  readonly default?: string;
  readonly unit?: string;
  readonly example?: string;
  /** Masked wherever it shows up; may be given as `<key>_file`, a file in the secrets directory. */
  readonly secret?: boolean;
  /** The text names a file in the secrets directory; the schema gets that file's content. */
  readonly file?: boolean;
  /** Other words that mean the same detail, as existing hosts and templates use them. */
  readonly also?: readonly string[];
  /**
   * Blueprint only: the setting that limits what an instance may choose, either patterns that the
   * text has to match or the largest number.
   */
  readonly within?: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** What a session gets for a record of fields: `undefined` only where nothing fills the gap. */
export type Values<F extends Fields> = {
  readonly [Key in keyof F]: F[Key] extends { required: true } | { default: string }
    ? FieldValue<F[Key]>
    : FieldValue<F[Key]> | undefined;
};

type FieldValue<F extends Field> = InferOutput<ReturnType<F['schema']>>;

// ---- what CloudStack asks for -------------------------------------------------------------------

export type Role = 'Admin' | 'ResourceAdmin' | 'DomainAdmin' | 'User';

/** The account behind the call; absent before CloudStack 4.22, `system` for its own threads. */
export interface Caller {
  readonly account: string;
  readonly role: Role;
}

/** Where a NIC belongs on the wire; `other` keeps what a provider may still be able to map. */
export type Segment =
  | { readonly kind: 'vlan'; readonly id: number }
  | { readonly kind: 'untagged' }
  | { readonly kind: 'other'; readonly uri: string }
  | { readonly kind: 'none' };

export interface Address {
  readonly address: string;
  readonly netmask?: string;
  readonly cidr?: string;
  readonly gateway?: string;
  readonly dns: readonly string[];
}

export interface Nic {
  readonly deviceId: number;
  /** The NIC's own UUID, never the network's. */
  readonly uuid: string;
  /** Lower case, colons. */
  readonly mac: string;
  readonly isDefault: boolean;
  readonly segment: Segment;
  readonly network: { readonly uuid?: string; readonly id?: string; readonly name?: string };
  readonly ipv4?: Address;
  readonly ipv6?: Address;
  /** Absent means unlimited. */
  readonly rateMbps?: number;
  readonly mtu?: number;
  readonly details: Readonly<Record<string, string>>;
}

/** What every action about one instance knows of it. */
export interface Instance {
  /** The identity; lower case. */
  readonly uuid: string;
  /** CloudStack's own instance name with its case, such as `i-2-42-VM`. */
  readonly name: string;
  readonly id?: number;
  /** CloudStack's word: Starting, Running, Stopping ... */
  readonly state?: string;
  readonly arch?: string;
  /** CloudStack believes it still has to be created; a tenant can set this, so it proves nothing. */
  readonly deploying: boolean;
  /** The details that the provider's `stored` names: hints, never proof. */
  readonly stored: Readonly<Record<string, string>>;
  readonly sshPublicKey?: string;
  readonly caller?: Caller;
}

/** What prepare, create and start know besides; NICs stand in the order of their deviceId. */
export interface SizedInstance extends Instance {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly nics: readonly Nic[];
  readonly boot?: { readonly firmware: 'uefi' | 'bios'; readonly secure: boolean };
}

// ---- what a session answers ---------------------------------------------------------------------

/** `unknown` whenever anything is in doubt; `on` also for paused and suspended in memory. */
export type Power = 'on' | 'off' | 'unknown';

/** What CloudStack shall remember: details come back as `stored`, NICs are matched by uuid. */
export interface Preparation {
  readonly details?: Readonly<Record<string, string>>;
  readonly nics?: readonly {
    readonly uuid: string;
    readonly mac?: string;
    readonly ipv4?: string;
    readonly ipv6?: string;
  }[];
}

export type Console =
  | {
      readonly kind: 'vnc';
      readonly host: string;
      readonly port: number;
      readonly password?: string;
      /** The password works once: the console proxy must not share the connection. */
      readonly oneTime?: boolean;
    }
  | { readonly kind: 'direct'; readonly url: string };

export type Cell = string | number | boolean | null;

/** The answer to a custom action: a sentence, and a table where there is one to show. */
export interface Outcome {
  readonly message: string;
  readonly rows?: readonly Readonly<Record<string, Cell>>[];
}

// ---- what a provider offers ---------------------------------------------------------------------

/** A parameter of a custom action, with the type CloudStack shall check. */
export interface Parameter<Value = unknown> extends Field<Value> {
  /** Not DATE: that comes without a zone, in the words of the management server's locale. */
  readonly type: 'STRING' | 'NUMBER' | 'BOOLEAN';
  readonly format?: 'UUID' | 'EMAIL' | 'PASSWORD' | 'URL' | 'DECIMAL';
  readonly options?: readonly string[];
}

export type Parameters = Readonly<Record<string, Parameter>>;

export const everyone: readonly Role[] = ['Admin', 'ResourceAdmin', 'DomainAdmin', 'User'];
export const adminOnly: readonly Role[] = ['Admin'];

/** A custom action as it is registered, documented, checked and run. */
export interface Action<P extends Parameters = Parameters, F extends Fields = Fields> {
  readonly about: string;
  readonly parameters: P;
  /** What the action may take; CloudStack's own default of 3 s kills most of them. */
  readonly timeoutSeconds: number;
  readonly roles: readonly Role[];
  /** Throws an instance's data away: the caller has to repeat its name as `instance_name`. */
  readonly destroysData?: boolean;
  /** The handler wants the blueprint, checked as for create. */
  readonly usesBlueprint?: boolean;
  /** Details of the action itself, which only an administrator can set. */
  readonly policy?: F;
}

export type Actions = Readonly<Record<string, Action>>;

/** What a custom action's handler is called with. */
export interface Run<P extends Parameters, B extends Fields, F extends Fields> {
  readonly instance: Instance;
  readonly parameters: Values<P>;
  readonly policy: Values<F>;
  /** Only for an action with `usesBlueprint`. */
  readonly blueprint: Values<B>;
}

/** One finding of `doctor`. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly found: string;
  readonly advice?: string;
}

/** A machine as it stands on the remote system, for `audit` and `adopt`. */
export interface RemoteMachine {
  readonly remoteId: string;
  readonly name: string;
  readonly power: Power;
  readonly mark: Mark | 'unreadable' | undefined;
  readonly template?: boolean;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly nics?: readonly { readonly mac: string; readonly segment?: Segment }[];
  /** Carries no mark, but may be what is left of a call of ours that was killed. */
  readonly leftover?: boolean;
  /** Was given back and is no instance's any more, although it still carries the mark. */
  readonly givenBack?: boolean;
  /** What an operator should know besides, such as an erase that failed. */
  readonly remarks?: readonly string[];
}

/** How a machine is to be stopped: `graceful` asks the guest first, `hard` never waits. */
export type StopManner = 'graceful' | 'hard';

/** What a provider may use of the process it runs in. */
export interface Context {
  readonly deadline: Deadline;
  readonly log: Log;
  /** Which CloudStack this is; machines of another one are invisible. Empty until registered. */
  readonly installation: string;
  /** A directory of the calling user for a provider without an outside system; made on demand. */
  stateDirectory(name: string): string;
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
  /** All machines that this host can see, whoever made them; proves first that it can see. */
  machines?(): Promise<readonly RemoteMachine[]>;
  /** Marks this unmarked machine as the instance's; refuses templates and marked ones. */
  adopt?(remoteId: string, instance: Instance): Promise<void>;
  /** The handlers of the provider's custom actions, by name. */
  readonly run?: {
    readonly [Name in keyof A]: (
      call: Run<A[Name]['parameters'], B, NonNullable<A[Name]['policy']>>,
    ) => Promise<Outcome>;
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
  /** What to build: operators give the default, the instance may choose within the limits. */
  readonly blueprint: B;
  /** VM details that prepare hands back, with a sentence each. */
  readonly stored: Readonly<Record<string, string>>;
  /** None is called `status` or `statuses`: those words have little time whatever CloudStack allows. */
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
  open(settings: Values<S>, context: Context): Session<B, A> | Promise<Session<B, A>>;
}

/** Infers a provider's types for its author and erases them for everybody else. */
export function defineProvider<
  const S extends Fields,
  const B extends Fields,
  const A extends Actions,
>(provider: Provider<S, B, A>): Provider {
  return provider as unknown as Provider;
}

/** The providers by name; each is loaded only when a call is for it. */
export type Registry = Readonly<Record<string, () => Promise<Provider>>>;

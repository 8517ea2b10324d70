import type { Actions } from './action.ts';
import type { Context, Deadline, Log } from './context.ts';
import type { Driver } from './driver.ts';
import type { Fields, Values } from './field.ts';
import type { Machine } from './machine.ts';
import type { NetworkProvider } from './network.ts';

/** One finding of `doctor`. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly found: string;
  readonly advice?: string;
}

/** This server and the operator's details, for a provider whose fields stand outside of this file. */
export interface Site {
  /** The detail from the strongest level that has it; an instance's never counts. */
  detail(key: string): string | undefined;
  /** The place of drivers in any language, as only root can choose it. */
  readonly drivers: {
    readonly directory: string;
    /** The user whom they have to belong to. */
    readonly owner: number;
    /** The variables that they get besides PATH and LANG. */
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly deadline: Deadline;
  readonly log: Log;
  stateDirectory(name: string): string;
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
  /**
   * The provider with the fields and actions that this site gives it; asked before any of them is used.
   * A provider without it is the same everywhere.
   */
  learn?(site: Site): Promise<Provider>;
  /** Contradictions between settings, in the operator's words. */
  settingsIssues?(settings: Values<S>): readonly string[];
  /** Contradictions between what is to be built and the settings. */
  blueprintIssues?(blueprint: Values<B>, settings: Values<S>): readonly string[];
  /** Where the remote system answers, as URLs, for `doctor`; without it: the settings that are URLs. */
  endpoints?(settings: Values<S>): readonly string[];
  /**
   * A name of the one remote system behind these settings, the same for every host that leads there, for
   * `audit`. Without it all hosts of one extension are taken for one system.
   */
  system?(settings: Values<S>): string;
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
  connect(
    settings: Values<S>,
    context: Context,
  ): Driver<Machine, Values<B>, A> | Promise<Driver<Machine, Values<B>, A>>;
  /** The network half, loaded for a network command; absent where the provider has none. */
  network?(): Promise<NetworkProvider>;
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

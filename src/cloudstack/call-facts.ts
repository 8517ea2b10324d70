import type { Log } from '../contract/context.ts';
import type { Caller, Instance, SizedInstance } from '../contract/instance.ts';
import type { Provider, Registry } from '../contract/provider.ts';
import type { Clock, DeadlineControl } from '../kit/deadline.ts';
import type { VerbsOf } from '../lifecycle/index.ts';
import type { ActionRow } from './actions.ts';
import type { Arguments } from './arguments.ts';
import type { Config } from './config.ts';
import type { Custom } from './custom.ts';
import type { Payload } from './payload.ts';
import type { Task } from './request.ts';
import type { CoreSettings } from './settings.ts';
import type { TimeoutSplit } from './split-timeout.ts';

/** Everything that a call touches of the machine it runs on; injected, so that tests own it. */
export interface World {
  /** The command line after the script's name. */
  readonly argv: readonly string[];
  /** The operator's commands, to suggest one that was mistyped. */
  readonly commandWords?: readonly string[];
  /** The base name the file was started under. */
  readonly startedAs: string;
  readonly registry: Registry;
  /** The lifecycle over a provider's driver; loaded only when a call is for it. */
  readonly verbs: () => Promise<VerbsOf>;
  /** Milliseconds since the process started, on a clock that never steps. */
  readonly clock: Clock;
  readonly time: () => Date;
  readonly pid: number;
  readonly uid: number;
  /** Whether this process may create files: root may not, since user `cloud` could not write them. */
  readonly mayCreate: boolean;
  readonly hostname: () => string;
  readonly home: string | undefined;
  readonly configFile: string;
  /** A number from 0 to 1, another one each time. */
  readonly random: () => number;
}

/**
 * Everything that is known of a call at one moment.
 *
 * Each step of `serve` and `readRequest` returns a larger value and changes none, so that a call
 * that fails is logged and answered with all that was known by then.
 */
export interface CallFacts {
  readonly world: World;
  /** Finds the log's lines of a call by the text of its failure. */
  readonly ref: string;
  readonly startedMs: number;
  readonly log: Log;
  /** Texts that no answer and no log line may show. */
  readonly secrets: readonly string[];

  readonly args?: Arguments;
  readonly times?: TimeoutSplit;
  readonly deadline?: DeadlineControl;
  readonly config?: Config;

  /** The call is a network command's, and concerns these. */
  readonly network?: NetworkIds;

  readonly payload?: Payload;
  readonly caller?: Caller | undefined;
  /** One of CloudStack's own actions; at first by the argument alone, which a custom one may share. */
  readonly row?: ActionRow | undefined;
  readonly core?: CoreSettings;
  readonly provider?: Provider | undefined;
  readonly instance?: Instance | SizedInstance | undefined;
  readonly custom?: Custom | undefined;

  readonly settings?: Readonly<Record<string, unknown>>;
  /** All that makes up the endpoint, for the failure memo; it holds credentials. */
  readonly endpoint?: () => string;
  /** Details that the provider does not read, with its own that they may be meant for. */
  readonly unread?: () => readonly string[];
  readonly blueprint?: Readonly<Record<string, unknown>>;
  /** Details that a start left out of the blueprint, with the reasons. */
  readonly leftOut?: readonly string[];
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly task?: Task;
}

/** CloudStack's own ids, from a payload that may not have been checked yet. */
export interface NetworkIds {
  readonly id: string | undefined;
  readonly nic: string | undefined;
  readonly vpc: string | undefined;
}

/** The facts of a call in which these are known. */
export type Known<Key extends keyof CallFacts> = CallFacts & {
  readonly [Each in Key]-?: NonNullable<CallFacts[Each]>;
};

/** The one place that changes during a call: `keep` replaces the facts by larger ones. */
export interface FactsHolder {
  readonly current: () => CallFacts;
  readonly keep: <Facts extends CallFacts>(larger: Facts) => Facts;
}

/** Holds the facts of one call, beginning with these. */
export function holdFacts(begun: CallFacts): FactsHolder {
  let facts = begun;
  return {
    current: () => facts,
    keep(larger) {
      facts = larger;
      return larger;
    },
  };
}

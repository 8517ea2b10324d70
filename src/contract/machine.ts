import type { Segment } from './instance.ts';

/** The mark that proves whose machine this is, as the remote system keeps it. */
export interface Mark {
  readonly uuid: string;
  /** The instance's own name with its case. */
  readonly name: string;
  readonly installation: string;
  /**
   * The id that the machine had when it was marked; a machine with another id is a copy. Empty only
   * while the machine is `building` on a system that chooses the id itself.
   */
  readonly remoteId: string;
  readonly state: 'building' | 'built';
  readonly origin: 'created' | 'adopted';
}

/**
 * The state of a machine: `paused` is halted in memory, `saved` is off with its memory on disk, and
 * `unknown` covers everything that is neither certainly on nor certainly off.
 */
export type State = 'on' | 'paused' | 'off' | 'saved' | 'unknown';

/** The power as CloudStack gets it: `unknown` whenever anything is in doubt; `on` also for `paused`. */
export type Power = 'on' | 'off' | 'unknown';

/** A machine of the remote system, as far as the rules of ownership look at it. */
export interface Machine {
  readonly remoteId: string;
  /** `undefined` where the remote system hides it: with an unreadable mark, the machine may be any instance's. */
  readonly name: string | undefined;
  readonly mark: Mark | 'unreadable' | undefined;
  readonly template?: boolean;
  /** The remote system has accepted its removal, which is under way or has failed half-way. */
  readonly leaving?: boolean;
  /** The removal of a `leaving` machine has failed half-way: its guest may still be running. */
  readonly stuck?: boolean;
  /**
   * Why the remote system's own record of owners speaks against the mark, such as `belongs to user juju`.
   * The mark then proves nothing: no rule changes this machine, and none calls its instance missing.
   */
  readonly disowned?: string | undefined;
  /** The node that it is on, where several hosts of CloudStack share one remote system. */
  readonly node?: string;
  /** The node that it was made on; the host of that node reports it where no other host does. */
  readonly home?: string | undefined;
}

/**
 * Why no rule can say which machine is the instance's; `installation`: one carries its UUID under another
 * installation's mark, and no mark at all names this one.
 */
export type Doubt =
  | 'duplicate'
  | 'copy'
  | 'template'
  | 'unmarked'
  | 'unreadable'
  | 'disowned'
  | 'installation';

/** The result of looking for an instance's machine. */
export type Choice<M extends Machine = Machine> =
  | {
      readonly kind: 'own';
      readonly machine: M;
      /** Unfinished machines besides, which interrupted creates of the instance have left. */
      readonly partials?: readonly M[];
    }
  /** Without a mark, and the operator lets it be adopted: the mark is written before any change. */
  | { readonly kind: 'adoptable'; readonly machine: M }
  /** At least one machine of the instance is leaving, and it has no other. */
  | { readonly kind: 'leaving'; readonly machines: readonly M[] }
  /** Proved: the account sees every machine that there may be, and none is the instance's. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'doubtful'; readonly doubt: Doubt; readonly machines: readonly M[] };

/** A machine as `audit` and `adopt` show it. */
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
  /** Was released and is no instance's any more, although it still carries the mark. */
  readonly givenBack?: boolean;
  /** Further facts for the operator, such as an erase that failed. */
  readonly remarks?: readonly string[];
}

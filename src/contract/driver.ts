import type { Segment } from './instance.ts';

/** The mark that proves whose machine this is, as kept on the remote system. */
export interface Mark {
  readonly uuid: string;
  /** The instance's own name with its case. */
  readonly name: string;
  readonly installation: string;
  /**
   * The id the machine had when it was marked; another one exposes a copy. Empty only while it is
   * `building` on a system that chooses the id itself.
   */
  readonly remoteId: string;
  readonly state: 'building' | 'built';
  readonly origin: 'created' | 'adopted';
}

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

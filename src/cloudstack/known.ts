import type { Caller } from '../contract/instance.ts';
import type { ActionRow } from './actions.ts';
import type { Custom } from './custom.ts';

/** What is known of a call so far, for its log lines and the wording of a failure. */
export interface Known {
  provider?: string;
  vm?: string;
  name?: string;
  caller?: Caller;
  row?: ActionRow | undefined;
  custom?: Custom;
  /** Whoever asked reads the text of a failure, tenants included. */
  shown?: boolean;
  readonly secrets: string[];
  /** What a start left out of its blueprint, and why. */
  readonly leftOut: string[];
  /** Details that nobody reads, with what they may be meant for; worked out when somebody asks. */
  unread?: () => readonly string[];
}

import type { Log } from '../contract/context.ts';
import type { Registry } from '../contract/provider.ts';
import type { Clock, DeadlineControl } from '../kit/deadline.ts';
import type { Arguments } from './arguments.ts';
import type { Config } from './config.ts';
import type { Known } from './known.ts';
import type { TimeoutSplit } from './split-timeout.ts';

/** All that a call touches of the machine it runs on; injected, so that tests own it. */
export interface World {
  /** What follows the script's name on the command line. */
  readonly argv: readonly string[];
  /** What an operator may type instead, to suggest it. */
  readonly commandWords?: readonly string[];
  /** The base name the file was started under. */
  readonly startedAs: string;
  readonly registry: Registry;
  /** Milliseconds since the process started, on a clock that never steps. */
  readonly clock: Clock;
  readonly time: () => Date;
  readonly pid: number;
  readonly uid: number;
  /** Files of ours may be made: not by root, since user `cloud` could not write them later. */
  readonly mayCreate: boolean;
  readonly hostname: () => string;
  readonly home: string | undefined;
  readonly configFile: string;
  /** Different every time, between 0 and 1. */
  readonly random: () => number;
}

/** How far one call has come, and what is known of it by then. */
export interface State {
  readonly world: World;
  readonly ref: string;
  readonly startedMs: number;
  readonly known: Known;
  args?: Arguments;
  budget?: TimeoutSplit;
  deadline?: DeadlineControl;
  config?: Config;
  log: Log;
  /** Somebody wanted an early end: what fails now says nothing about the remote system. */
  interrupted: boolean;
}

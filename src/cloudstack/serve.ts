import { Failure } from '../failure.ts';
import { createDeadline } from '../kit/deadline.ts';
import { silent } from '../kit/log.ts';
import { builtIn } from './actions.ts';
import { readArguments } from './arguments.ts';
import type { State, World } from './call.ts';
import { contextFor, memoFor, openLog } from './call-context.ts';
import type { Body, CallResult } from './call-result.ts';
import { type Config, readConfig, readLogConfig } from './config.ts';
import { finishFailed, finishWell } from './finish.ts';
import { readRequest } from './request.ts';
import { run } from './run.ts';
import { splitTimeout } from './split-timeout.ts';

export type { World } from './call.ts';

/** A call under way. */
export interface Call {
  /** Settles exactly once and never rejects. */
  readonly result: Promise<CallResult>;
  /** Ends the work early, undoes what can be undone, and answers. */
  interrupt(reason: string): void;
  /** Answers at once, for an error that nobody caught. */
  crash(error: unknown): void;
}

/** Whoever sends a signal will not wait for long. */
const undoAfterSignalMs = 5_000;

/** Serves one call of CloudStack's, from the arguments to the answer. */
export function serve(world: World): Call {
  const state = begin(world);
  let settle: (result: CallResult) => void = () => {};
  const result = new Promise<CallResult>((resolve) => {
    settle = resolve;
  });
  let finished = false;
  const finish = (end: () => CallResult): void => {
    if (finished) return;
    finished = true;
    settle(end());
  };
  const give = (body: Body): void => finish(() => finishWell(state, body));
  const giveUp = (error: unknown): void => finish(() => finishFailed(state, error));
  work(state).then(give, giveUp);
  const guard = (afterMs: number, reason: () => Failure): void => {
    const timer = setTimeout(() => giveUp(reason()), afterMs);
    result.then(() => clearTimeout(timer)).catch(() => {});
  };
  if (state.budget !== undefined) {
    guard(
      state.budget.answerMs - world.clock(),
      () => new Failure('timeout', 'The time is up, and the work has not come to an end'),
    );
  }
  return {
    result,
    crash: giveUp,
    interrupt(reason) {
      state.interrupted = true;
      state.deadline?.cutShort(reason, undoAfterSignalMs);
      guard(undoAfterSignalMs + 500, () => new Failure('timeout', reason));
    },
  };
}

function begin(world: World): State {
  const random = Math.floor(world.random() * 36 ** 6).toString(36);
  return {
    world,
    ref: `r-${random.padStart(6, '0')}`,
    startedMs: world.clock(),
    known: { secrets: [], leftOut: [] },
    log: silent,
    interrupted: false,
  };
}

async function work(state: State): Promise<Body> {
  const { world, known } = state;
  const args = readArguments(world.argv, world.commandWords);
  state.args = args;
  state.budget = splitTimeout(args.action, args.timeoutSeconds);
  state.deadline = createDeadline(world.clock, state.budget);
  // Until the payload is read, the word alone tells whom a failure is shown to.
  known.row = builtIn(args.action)?.row;
  known.shown = known.row?.shown ?? true;
  const config = configure(state);
  const request = await readRequest(args, {
    registry: world.registry,
    startedAs: world.startedAs,
    secretsDirectory: config.secretsDirectory,
    known,
  });
  if (known.leftOut.length > 0) state.log('left out', { level: 'warn', details: known.leftOut });
  if (config.log.level === 'debug') {
    state.log('unread', { level: 'debug', details: known.unread?.() });
  }
  return run(request, contextFor(state, request, config), memoFor(state, request, config));
}

function configure(state: State): Config {
  const { configFile } = state.world;
  try {
    const config = readConfig(configFile);
    state.log = openLog(state, config.log);
    state.config = config;
    return config;
  } catch (error) {
    // The reference that a tenant is shown has to lead somewhere.
    state.log = openLog(state, readLogConfig(configFile));
    throw error;
  }
}

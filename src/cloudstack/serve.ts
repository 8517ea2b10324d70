import { Failure } from '../failure.ts';
import { createDeadline } from '../kit/deadline.ts';
import { type Log, silent } from '../kit/log.ts';
import { createFileLog } from '../kit/log-file.ts';
import { createMemo, type Memo } from '../kit/memo.ts';
import { createRedactor } from '../kit/redact.ts';
import { makeStateDirectory } from '../kit/state-directory.ts';
import type { Context } from '../provider.ts';
import { builtIn } from './actions.ts';
import type { Answer, Body } from './answer.ts';
import { readArguments } from './arguments.ts';
import { shareOut } from './budget.ts';
import type { State, World } from './call.ts';
import { type Config, readConfig } from './config.ts';
import { finishFailed, finishWell } from './finish.ts';
import { type Request, readRequest } from './request.ts';
import { run } from './run.ts';

export type { World } from './call.ts';

/** A call under way. */
export interface Call {
  /** Settles exactly once and never rejects. */
  readonly answer: Promise<Answer>;
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
  let settle: (answer: Answer) => void = () => {};
  const answer = new Promise<Answer>((resolve) => {
    settle = resolve;
  });
  let finished = false;
  const finish = (end: () => Answer): void => {
    if (finished) return;
    finished = true;
    settle(end());
  };
  const give = (body: Body): void => finish(() => finishWell(state, body));
  const giveUp = (error: unknown): void => finish(() => finishFailed(state, error));
  work(state).then(give, giveUp);
  const guard = (afterMs: number, reason: () => Failure): void => {
    const timer = setTimeout(() => giveUp(reason()), Math.min(afterMs, 0x7fffffff));
    answer.then(() => clearTimeout(timer)).catch(() => {});
  };
  if (state.budget !== undefined) {
    guard(
      state.budget.answerMs - world.clock(),
      () => new Failure('timeout', 'The time is up, and the work has not come to an end'),
    );
  }
  return {
    answer,
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
  state.budget = shareOut(args.action, args.timeoutSeconds);
  state.deadline = createDeadline(world.clock, state.budget);
  // Until the payload is read, the word alone tells whom a failure is shown to.
  known.row = builtIn(args.action)?.row;
  known.shown = known.row?.shown ?? true;
  const config = readConfig(world.configFile);
  state.config = config;
  state.log = openLog(state, config);
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

function memoFor(state: State, { endpoint }: Request, config: Config): Memo {
  const { known, world } = state;
  const { uid, pid, mayCreate } = world;
  const clean = (text: string): string => createRedactor(known.secrets).text(text);
  const memo = createMemo({ ...config.memo, uid, pid, mayCreate, clean }, endpoint, () =>
    world.time().getTime(),
  );
  return {
    ...memo,
    remember: (failure) => (state.interrupted ? undefined : memo.remember(failure)),
  };
}

function contextFor({ world, log, deadline }: State, { core }: Request, config: Config): Context {
  if (deadline === undefined) throw new Failure('internal', 'There is no deadline yet');
  return {
    deadline,
    log,
    installation: core.installation ?? '',
    stateDirectory(name) {
      const setting = `"state_directory" in ${world.configFile}`;
      const place = config.stateDirectory ?? homePlace(world.home, setting);
      return makeStateDirectory(`${place}/${name}`, world.uid, setting);
    },
  };
}

function homePlace(home: string | undefined, setting: string): string {
  if (home?.startsWith('/') === true) return `${home.replace(/\/+$/, '')}/.local/state/outrigger`;
  throw new Failure('config', 'There is no place for state: HOME is not set for this user', {
    advice: `Set ${setting} to a directory that this user can write to`,
  });
}

function openLog(state: State, config: Config): Log {
  const { world, known, ref, args } = state;
  if (!config.log.enabled) return silent;
  const place = {
    file: config.log.file,
    level: config.log.level,
    mayCreate: world.mayCreate,
    mostBytes: 10 * 1024 * 1024,
    keep: 5,
  };
  const call = `${world.pid}-${Math.round(world.time().getTime()).toString(36)}`;
  const facts = (): Readonly<Record<string, unknown>> => {
    const { provider, vm, name, caller } = known;
    const host = world.hostname();
    const who = { pid: world.pid, host, action: args?.action, vm, name, provider };
    return { ref, call, ...who, caller: caller?.account };
  };
  return createFileLog(place, facts, world.time, () => createRedactor(known.secrets));
}

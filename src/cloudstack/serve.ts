import { unlinkSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { type Clock, createDeadline, type DeadlineControl } from '../kit/deadline.ts';
import { type Log, silent } from '../kit/log.ts';
import { createFileLog } from '../kit/log-file.ts';
import { createMemo } from '../kit/memo.ts';
import { createRedactor, type Redactor } from '../kit/redact.ts';
import { makeStateDirectory } from '../kit/state-directory.ts';
import type { Context, Registry } from '../provider.ts';
import { type Answer, type Body, fail, succeed } from './answer.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { type Budget, shareOut } from './budget.ts';
import { type Config, readConfig } from './config.ts';
import { isOwnPayloadFile } from './payload-place.ts';
import { type Known, type Request, readRequest } from './request.ts';
import { run } from './run.ts';
import { wordFailure } from './wording.ts';

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

interface State {
  readonly world: World;
  readonly ref: string;
  readonly startedMs: number;
  readonly known: Known;
  args?: Arguments;
  budget?: Budget;
  deadline?: DeadlineControl;
  config?: Config;
  log: Log;
  finished: boolean;
}

/** Serves one call of CloudStack's, from the arguments to the answer. */
export function serve(world: World): Call {
  const state = begin(world);
  let settle: (answer: Answer) => void = () => {};
  const answer = new Promise<Answer>((resolve) => {
    settle = resolve;
  });
  const finish = (error: unknown): void => {
    if (!state.finished) settle(finishAnyhow(state, error));
  };
  work(state).then(settle, finish);
  const guard = (afterMs: number, reason: () => unknown): void => {
    const timer = setTimeout(() => finish(reason()), Math.min(afterMs, 0x7fffffff));
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
    crash: finish,
    interrupt(reason) {
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
    finished: false,
  };
}

async function work(state: State): Promise<Answer> {
  const { world, known } = state;
  const args = readArguments(world.argv, world.commandWords);
  state.args = args;
  state.budget = shareOut(args.action, args.timeoutSeconds);
  state.deadline = createDeadline(world.clock, state.budget);
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
  const clean = (text: string): string => createRedactor(known.secrets).text(text);
  const { uid, pid, mayCreate } = world;
  const memo = createMemo({ ...config.memo, uid, pid, mayCreate, clean }, request.endpoint, () =>
    world.time().getTime(),
  );
  const body = await run(request, contextFor(state, request, config), memo);
  return finishWell(state, body);
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

function finishWell(state: State, body: Body): Answer {
  const { world, known, config, args } = state;
  const answer = succeed(withoutSecrets(body, createRedactor(known.secrets)));
  state.finished = true;
  // Hundreds of these every minute say nothing that anybody looks for.
  const level = known.row?.remembers === true ? 'debug' : 'info';
  state.log('call', { level, ms: elapsed(state), outcome: 'success' });
  const keep = config?.keepPayloads ?? true;
  if (args !== undefined && !keep && isOwnPayloadFile(args.payloadFile, world.home)) {
    try {
      unlinkSync(args.payloadFile);
    } catch {
      // CloudStack clears up what is left after a day.
    }
  }
  return answer;
}

/** A remote system may repeat in a message what it was told; the other parts are for CloudStack. */
function withoutSecrets(body: Body, { text }: Redactor): Body {
  const clean = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(clean);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, cell]) => [key, clean(cell)]));
  };
  return body['message'] === undefined ? body : { ...body, message: clean(body['message']) };
}

/** Whatever cannot be worded or logged: a call without an answer would be worse than a poor one. */
function finishAnyhow(state: State, thrown: unknown): Answer {
  try {
    return finishFailed(state, thrown);
  } catch {
    return fail(`Something went wrong that cannot be put into words (ref ${state.ref})`, state.ref);
  }
}

function finishFailed(state: State, thrown: unknown): Answer {
  const { known, ref, args } = state;
  state.finished = true;
  const failure = Failure.from(thrown);
  const redactor = createRedactor(known.secrets);
  const timeoutSeconds = args?.timeoutSeconds;
  const attempt = { ...known, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) };
  const remembered = failure.facts['remembered'] === true;
  state.log('call', {
    level: remembered ? 'debug' : known.row?.remembers === true ? 'warn' : 'error',
    ms: elapsed(state),
    outcome: failure.kind,
    error: failure.message,
    advice: failure.advice,
    ...(failure.kind === 'config' ? { unread: known.unread?.() } : {}),
    ...failure.facts,
    ...causes(failure),
  });
  return fail(redactor.text(wordFailure(failure, attempt, ref)), ref);
}

function causes(failure: Failure): { cause?: readonly string[] } {
  const chain: string[] = [];
  for (let each = failure.cause; each !== undefined && chain.length < 8; ) {
    const error = each instanceof Error ? each : undefined;
    // Only what nobody expected is worth its stack.
    const whole = failure.kind === 'internal' ? error?.stack : undefined;
    chain.push(whole ?? error?.message ?? String(each));
    each = error?.cause;
  }
  return chain.length === 0 ? {} : { cause: chain };
}

function elapsed({ world, startedMs }: State): number {
  return Math.round(world.clock() - startedMs);
}

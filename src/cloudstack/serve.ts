import { Failure } from '../failure.ts';
import { createDeadline } from '../kit/deadline.ts';
import { silent } from '../kit/log.ts';
import { readArguments } from './arguments.ts';
import {
  type CallFacts,
  type FactsHolder,
  holdFacts,
  type Known,
  type World,
} from './call-facts.ts';
import type { CallResult } from './call-result.ts';
import { readConfig, readLogConfig } from './config.ts';
import { elapsed, finishFailed } from './finish.ts';
import { internalResult } from './internal-command.ts';
import { asNetworkCall, isNetworkPayload } from './network/call.ts';
import { openLog } from './open-log.ts';
import { readPayloadFile } from './payload.ts';
import { removePayload } from './remove-payload.ts';
import { mayChange, readRequest } from './request.ts';
import { rowNamed } from './resolve-action.ts';
import { splitTimeout } from './split-timeout.ts';

export type { World } from './call-facts.ts';

/** A call under way. */
export interface Call {
  /** Settles exactly once and never rejects. */
  readonly result: Promise<CallResult>;
  /** Ends the work early, undoes what can be undone, and answers. */
  interrupt(reason: string): void;
  /** Answers at once, for an error that no code has caught. */
  crash(error: unknown): void;
}

/** The service manager that sends a signal soon sends SIGKILL. */
const undoAfterSignalMs = 5_000;

/** Serves one call of CloudStack's, from the arguments to the result. */
export function serve(world: World): Call {
  const holder = holdFacts(begin(world));
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
  const fail = (error: unknown): void => finish(() => finishFailed(holder.current(), error));
  const failAfter = (ms: number, sentence: string): void => {
    const timer = setTimeout(() => fail(new Failure('timeout', sentence)), ms);
    result.then(() => clearTimeout(timer)).catch(() => {});
  };
  work(holder).then(finish, fail);
  // The arguments have been read by now: the first wait is for the provider's module.
  const { times, deadline } = holder.current();
  if (times !== undefined) {
    failAfter(times.answerMs - world.clock(), 'Timed out before the action finished');
  }
  return {
    result,
    crash: fail,
    interrupt(reason) {
      deadline?.cutShort(reason, undoAfterSignalMs);
      failAfter(undoAfterSignalMs + 500, reason);
    },
  };
}

function begin(world: World): CallFacts {
  const random = Math.floor(world.random() * 36 ** 6).toString(36);
  return {
    world,
    ref: `r-${random.padStart(6, '0')}`,
    startedMs: world.clock(),
    log: silent,
    secrets: [],
  };
}

/** Answers how the call ends well. */
async function work(holder: FactsHolder): Promise<() => CallResult> {
  const called = holder.keep(calledWith(holder));
  const configured = withConfig(called, holder);
  const internal = internalResult(configured.args.action);
  if (internal !== undefined) return () => finishInternal(configured, internal);
  const raw = readPayloadFile(configured.args.payloadFile);
  if (isNetworkPayload(raw)) return workForNetwork(configured, raw, holder);
  const request = await readRequest(configured, raw, holder.keep);
  const { log, config, leftOut, unread } = request;
  if (leftOut.length > 0) log('left out', { level: 'warn', details: leftOut });
  const unreadLevel = mayChange(request) ? 'warn' : 'debug';
  if (unreadLevel === 'warn' || config.log.level === 'debug') {
    const details = unread();
    if (details.length > 0) log('unread', { level: unreadLevel, details });
  }
  // A call that was refused by now asks no provider and has no success to write.
  const { finishWell, run } = await import('./run.ts');
  const body = await run(request);
  return () => finishWell(holder.current(), body);
}

async function workForNetwork(
  configured: Known<'args' | 'config' | 'deadline'>,
  raw: Readonly<Record<string, unknown>>,
  holder: FactsHolder,
): Promise<() => CallResult> {
  // Its time is known before anything is waited for.
  const facts = holder.keep(asNetworkCall(configured, raw));
  return (await import('./network/run.ts')).serveNetwork(facts, raw, holder);
}

/** Comes every few minutes for each of many NICs, and no reader looks for it. */
function finishInternal(facts: Known<'args' | 'config'>, result: CallResult): CallResult {
  const { args, config, world, log } = facts;
  const outcome = result.exitCode === 0 ? 'success' : 'unsupported';
  log('call', { level: 'debug', ms: elapsed(facts), outcome });
  if (!config.keepPayloads) removePayload(args.payloadFile, world.home);
  return result;
}

/** A command line that is refused is logged too: its reference has to lead to a line in the log. */
function calledWith({ current, keep }: FactsHolder) {
  const begun = current();
  try {
    return withArguments(begun);
  } catch (error) {
    keep({ ...begun, log: openLog(readLogConfig(begun.world.configFile), current) });
    throw error;
  }
}

function withArguments(begun: CallFacts) {
  const { argv, commandWords, clock } = begun.world;
  const args = readArguments(argv, commandWords);
  const times = splitTimeout(args.action, args.timeoutSeconds);
  const deadline = createDeadline(clock, times);
  return { ...begun, args, times, deadline, row: rowNamed(args.action) };
}

function withConfig<Facts extends Known<'args'>>(called: Facts, { current, keep }: FactsHolder) {
  const { configFile, clock } = called.world;
  const { action, timeoutSeconds } = called.args;
  try {
    const config = readConfig(configFile);
    const times = splitTimeout(action, timeoutSeconds, config.limits);
    const deadline = createDeadline(clock, times);
    return keep({ ...called, config, times, deadline, log: openLog(config.log, current) });
  } catch (error) {
    // The reference that a tenant is shown has to lead to a line in the log.
    keep({ ...called, log: openLog(readLogConfig(configFile), current) });
    throw error;
  }
}

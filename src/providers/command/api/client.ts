import type { Deadline, Log } from '../../../contract/context.ts';
import { retryWhile } from '../../../kit/retry.ts';
import {
  type AnswerTo,
  type PrimitiveName,
  primitives,
  type RequestOf,
} from '../protocol/primitives.ts';
import { protocolVersion } from '../protocol/values.ts';
import { readAnswer } from './answer.ts';
import type { Executable } from './executable.ts';
import { isSaid, withoutAnswer } from './failures.ts';
import { type Ended, runProcess } from './process.ts';

/** Runs one primitive to its end; replaced by `driver check`, which breaks some of them off. */
export type Play = (word: PrimitiveName, input: string, deadline: Deadline) => Promise<Ended>;

/** A driver's executable for one call. */
export interface Client {
  /** The driver's answer; `what` completes "could not ..." in a failure. */
  ask<Name extends PrimitiveName>(
    name: Name,
    request: RequestOf<Name>,
    ask: { readonly what: string; readonly deadline: Deadline },
  ): Promise<AnswerTo<Name>>;
}

export interface Reach {
  /** The name of the driver, for failures and the log. */
  readonly driver: string;
  /** The file, checked anew whenever it is asked for. */
  executable(): Executable;
  readonly environment: Readonly<Record<string, string>>;
  readonly play?: Play | undefined;
}

interface Call {
  readonly log: Log;
  readonly installation: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** So much of the time is kept back, so that a driver that watches the clock can still answer. */
const marginMs = 250;

export function createClient(reach: Reach, { log, installation, settings }: Call): Client {
  const { driver } = reach;
  const once: Client['ask'] = async (name, request, { what, deadline }) => {
    const attempt = `Driver ${driver} could not ${what}`;
    if (deadline.remainingMs() === 0) throw deadline.failure(`${what} was to begin`);
    const input = JSON.stringify({
      protocol: protocolVersion,
      deadlineMs: Math.max(1, Math.round(deadline.remainingMs() - marginMs)),
      ...(name === 'describe' ? {} : { installation, settings }),
      ...request,
    });
    const ended = await playOf(reach)(name, `${input}\n`, deadline);
    logErrors(log, driver, name, ended);
    if (ended.how === 'deadline') throw deadline.failure(`driver ${driver} was to ${what}`);
    const trouble = withoutAnswer(attempt, ended, reach.executable().path);
    if (trouble !== undefined) throw trouble;
    return readAnswer(name, attempt, ended);
  };
  return {
    ask: (name, request, given) =>
      retryWhile(
        { deadline: given.deadline, doing: `trying again to ${given.what}`, pauseMs },
        () => once(name, request, given),
      ),
  };
}

/** A driver that is busy has done nothing. */
function pauseMs(thrown: unknown, turn: number): number | undefined {
  return isSaid(thrown, 'busy') && turn <= 20 ? Math.min(2_000, 100 * 1.5 ** turn) : undefined;
}

export function playOf({ executable, environment, play }: Reach): Play {
  if (play !== undefined) return play;
  return (word, input, deadline) =>
    runProcess({ path: executable().path, word, input, environment, deadline });
}

const mostLogged = 4_000;

/** The log masks secrets by itself. */
function logErrors(log: Log, driver: string, primitive: PrimitiveName, ended: Ended): void {
  const text = ended.stderr.toString('utf8').trim();
  if (text === '') return;
  const failed = ended.how !== 'exit' || ended.exitCode !== 0;
  const level = failed ? 'warn' : isReading(primitive) ? 'debug' : 'info';
  const cut = text.length > mostLogged ? `${text.slice(0, mostLogged)} ... (shortened)` : text;
  log('driver.stderr', { driver, primitive, text: cut, level });
}

export function isReading(name: PrimitiveName): boolean {
  return primitives[name].reads === true;
}

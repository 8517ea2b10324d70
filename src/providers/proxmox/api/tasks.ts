import { expectFailure, type Failure } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import type { Method } from '../../../kit/http/request.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import { noteChange, type TaskSession } from '../machine/session.ts';
import type { Api, ApiRequest } from './client.ts';
import { failureOfText } from './error-catalogue.ts';
import { isTransient } from './error-texts.ts';
import { findTask, isUncertain } from './find-task.ts';
import { withHolder } from './locks.ts';
import { exitAtLast, tail, type Watched } from './task-state.ts';

const mostTries = 3;

export interface Work extends Watched {
  readonly method?: Method;
  readonly path: string;
  readonly params?: Pairs;
  /** In place of `params`. */
  readonly body?: NonNullable<ApiRequest['body']>;
  /** Called with the task as soon as it is known, so that it can be cancelled. */
  readonly begun?: (upid: string) => void;
  /**
   * Whether the work is done. Asked when the answer got lost: UPIDs tell seconds only, so that the task
   * found may be one of the same kind that ran right before.
   */
  readonly proof?: () => Promise<boolean>;
}

/** Starts a task and waits for its end; work that met a lock is begun again a few times. */
export async function run(session: TaskSession, work: Work): Promise<void> {
  try {
    await attempts(session, work);
  } catch (thrown) {
    throw await withHolder(session.api, work.path, thrown);
  }
}

/** A request that meets a lock is sent again by the client; here it is the task that met one. */
async function attempts(session: TaskSession, work: Work): Promise<void> {
  let task: string | undefined;
  const policy: RetryPolicy<void> = {
    deadline: session.api.deadline,
    doing: work.doing,
    pauseMs: (thrown, turn) =>
      task !== undefined && isTransient(thrown) && turn < mostTries ? 0 : undefined,
    onRepeat: (thrown) =>
      session.context.log('task.again', { task, after: expectFailure(thrown).message }),
  };
  await retryWhile(policy, async () => {
    noteChange(session.context);
    task = undefined;
    const { upid, lost } = await begin(session, work);
    if (upid === undefined) return;
    task = upid;
    work.begun?.(upid);
    try {
      await end(session, upid, work);
      if (lost !== undefined && (await work.proof?.()) === false) throw lost;
    } finally {
      noteChange(session.context);
    }
  });
}

/**
 * Sends the request; its task, or `undefined` for work that was done at once. Where the answer gets
 * lost, the task is looked for.
 */
async function begin(session: TaskSession, work: Work): Promise<Begun> {
  const { api, tasks, context } = session;
  const since = api.now();
  try {
    const upid = await send(api, work);
    if (upid !== undefined) tasks.add(upid);
    return { upid };
  } catch (thrown) {
    const upid = isUncertain(thrown) ? await findTask(session, work, since) : undefined;
    if (upid === undefined) throw thrown;
    const lost = expectFailure(thrown);
    context.log('task.found', { task: upid, after: lost.message, level: 'warn' });
    tasks.add(upid);
    return { upid, lost };
  }
}

interface Begun {
  readonly upid: string | undefined;
  /** How its answer got lost. */
  readonly lost?: Failure;
}

async function send(api: Api, work: Work): Promise<string | undefined> {
  const { method = 'POST', what, params = {}, body } = work;
  const content = body === undefined ? { form: params } : { body };
  const ask = method === 'DELETE' ? { what, query: params } : { what, ...content };
  const { data } = await api.send(method, work.path, ask);
  return typeof data === 'string' && data.startsWith('UPID:') ? data : undefined;
}

/** Waits for a task to end well; warnings are logged and count as success. */
async function end(session: TaskSession, upid: string, work: Work): Promise<void> {
  const exit = await exitAtLast(session, upid, work);
  if (exit === 'OK') return;
  const lines = await tail(session.api, upid, { most: 100 });
  const warned = /^WARNINGS: \d+$/.test(exit);
  session.context.log(warned ? 'task.warnings' : 'task.failed', {
    task: upid,
    exit,
    log: lines.slice(-10),
    level: 'warn',
  });
  if (warned) return;
  throw failureOfText(reasonOf(exit, lines), work);
}

/** Backups and migrations end with words that say nothing: the reason is the last error of the log. */
function reasonOf(exit: string, log: readonly string[]): string {
  if (exit === 'unexpected status') return 'its worker was killed';
  if (!/^(job errors|migration (problems|aborted))$/.test(exit)) return exit;
  const errors = log.flatMap((line) => /(?<!TASK )ERROR: (.*)$/.exec(line)?.[1] ?? []);
  const [last] = errors.filter((error) => !/^migration finished with/.test(error)).slice(-1);
  return last === undefined ? exit : `${exit}: ${last}`;
}

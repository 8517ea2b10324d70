import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import type { Method } from '../../kit/http/order.ts';
import type { Api } from './client.ts';
import { withHolder } from './lock-holder.ts';
import { findTask, isUncertain } from './lost-answer.ts';
import { noteChange } from './recent.ts';
import type { Rig } from './rig.ts';
import { isPassing } from './said.ts';
import { tail } from './task-state.ts';
import { failureOfText } from './trouble.ts';
import { exitAtLast, type Watched } from './watch.ts';

const tries = 3;

export interface Work extends Watched {
  readonly method?: Method;
  readonly path: string;
  readonly params?: Pairs;
  /** Called with the task as soon as it is known, so that it can be cancelled. */
  readonly begun?: (upid: string) => void;
  /**
   * Whether what it was to do is done. Asked when the answer got lost: UPIDs tell seconds only, so that
   * the task found may be one of the same kind that ran right before.
   */
  readonly proof?: () => Promise<boolean>;
}

/** Starts a task and waits for its end; work that met a lock is begun again a few times. */
export async function run(rig: Rig, work: Work): Promise<void> {
  try {
    await attempts(rig, work);
  } catch (thrown) {
    throw await withHolder(rig.api, work.path, Failure.from(thrown));
  }
}

async function attempts(rig: Rig, work: Work): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    noteChange(rig.context);
    const { upid, lost } = await begin(rig, work);
    if (upid === undefined) return;
    work.begun?.(upid);
    try {
      await end(rig, upid, work);
      if (lost !== undefined && (await work.proof?.()) === false) throw lost;
      return;
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!isPassing(failure) || turn >= tries) throw failure;
      rig.context.log('task.again', { task: upid, after: failure.message });
    } finally {
      noteChange(rig.context);
    }
  }
}

/**
 * Sends the request; its task, or `undefined` for work that was done at once. Where the answer gets
 * lost, the task is looked for.
 */
async function begin(rig: Rig, work: Work): Promise<Begun> {
  const { api, tasks, context } = rig;
  const since = api.now();
  try {
    const upid = await send(api, work);
    if (upid !== undefined) tasks.add(upid);
    return { upid };
  } catch (thrown) {
    const lost = Failure.from(thrown);
    const upid = isUncertain(lost) ? await findTask(rig, work, since) : undefined;
    if (upid === undefined) throw lost;
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
  const { method = 'POST', what, params = {} } = work;
  const ask = method === 'DELETE' ? { what, query: params } : { what, form: params };
  const { data } = await api.send(method, work.path, ask);
  return typeof data === 'string' && data.startsWith('UPID:') ? data : undefined;
}

/** Waits for a task to end well; warnings are logged and count as success. */
async function end(rig: Rig, upid: string, work: Work): Promise<void> {
  const exit = await exitAtLast(rig, upid, work);
  if (exit === 'OK') return;
  const log = await tail(rig.api, upid);
  const warned = /^WARNINGS: \d+$/.test(exit);
  rig.context.log(warned ? 'task.warnings' : 'task.failed', {
    task: upid,
    exit,
    log,
    level: 'warn',
  });
  if (warned) return;
  const killed = exit === 'unexpected status' ? 'its worker was killed' : exit;
  throw failureOfText(killed, work);
}

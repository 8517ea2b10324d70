import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import { path } from '../../kit/http/address.ts';
import type { Method } from '../../kit/http/order.ts';
import { type Pace, poll } from '../../kit/poll.ts';
import type { Api } from './client.ts';
import { withHolder } from './lock-holder.ts';
import { noteChange } from './recent.ts';
import type { Rig } from './rig.ts';
import { failureOfText, isPassing, statusOf } from './trouble.ts';
import { listOf, numberOf, recordOf, textOf } from './wire.ts';

/** Most tasks end within a second, the others take minutes. */
const pace: Pace = { firstMs: 30, growth: 1.3, mostMs: 2000 };
const tries = 3;

export interface Work {
  readonly method?: Method;
  readonly path: string;
  /** Completes "Could not ..." and, with -ing, says what is waited for. */
  readonly what: string;
  readonly doing: string;
  readonly params?: Pairs;
  /** Called with the task as soon as it is known, so that it can be cancelled. */
  readonly begun?: (upid: string) => void;
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
    const upid = await begin(rig.api, work);
    if (upid === undefined) return;
    work.begun?.(upid);
    try {
      return await end(rig, upid, work);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!isPassing(failure) || turn >= tries) throw failure;
      rig.context.log('task.again', { task: upid, after: failure.message });
    } finally {
      noteChange(rig.context);
    }
  }
}

/** Sends the request; its task, or `undefined` for work that was done at once. */
export async function begin(api: Api, work: Work): Promise<string | undefined> {
  const { method = 'POST', what, params = {} } = work;
  const ask = method === 'DELETE' ? { what, query: params } : { what, form: params };
  const { data } = await api.send(method, work.path, ask);
  return typeof data === 'string' && data.startsWith('UPID:') ? data : undefined;
}

/** Waits for a task to end well; warnings are logged and count as success. */
export async function end(
  rig: Rig,
  upid: string,
  { what, doing }: Pick<Work, 'what' | 'doing'>,
): Promise<void> {
  let unknown = 0;
  const look = async (): Promise<string | undefined> => {
    try {
      return await exitOf(rig.api, upid, what);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      // Just begun, it may not be known yet.
      if (statusOf(failure) === 400 && unknown++ < 3) return undefined;
      throw failure;
    }
  };
  const exit = await poll(rig.api.deadline, doing, look, pace).catch((thrown: unknown) =>
    withProgress(rig, upid, overdue(rig, doing, Failure.from(thrown))),
  );
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
  throw failureOfText(killed, { what });
}

/** When the time is up the work is what was waited for, not the look at it that was under way. */
function overdue({ api }: Rig, doing: string, failure: Failure): Failure {
  const isOver = failure.kind === 'timeout' && api.deadline.remainingMs() === 0;
  return isOver ? api.deadline.failure(doing) : failure;
}

/** How far a task has come says whether more time would help; it is asked for in what is left. */
async function withProgress(rig: Rig, upid: string, failure: Failure): Promise<never> {
  const margin = rig.api.deadline.forUndo();
  if (failure.kind !== 'timeout' || margin.remainingMs() < 1000) throw failure;
  const lines = await tail(rig.api.under(margin), upid, 300);
  const percent = [...lines.join('\n').matchAll(/\((\d+)(?:\.\d+)?%\)/g)].pop()?.[1];
  if (percent === undefined) throw failure;
  throw new Failure('timeout', `${failure.message} (${percent} % done)`, { facts: failure.facts });
}

/** How a task has ended; `undefined` while it runs. */
export async function exitOf(api: Api, upid: string, what: string): Promise<string | undefined> {
  const ask = { what: `follow the task that should ${what}` };
  const task = recordOf(await api.get(path`/nodes/${nodeOf(upid)}/tasks/${upid}/status`, ask));
  if (task['status'] === 'running') return undefined;
  return textOf(task['exitstatus']) ?? 'unexpected status';
}

/** The last lines of a task's log; they are facts for our own log, so that trouble yields none. */
export async function tail(api: Api, upid: string, limitMs = 5000): Promise<readonly string[]> {
  try {
    const ask = { what: 'read the log of a task', query: { limit: 5000 }, limitMs };
    const lines = listOf(await api.get(path`/nodes/${nodeOf(upid)}/tasks/${upid}/log`, ask));
    return lines.flatMap((line) => textOf(recordOf(line)['t']) ?? []).slice(-10);
  } catch {
    return [];
  }
}

/** Ends a task that runs and waits until it has gone; whatever it had made is then taken back. */
export async function cancel(rig: Rig, upid: string): Promise<void> {
  const what = 'cancel a task';
  try {
    if ((await exitOf(rig.api, upid, what)) !== undefined) return;
    await rig.api.send('DELETE', path`/nodes/${nodeOf(upid)}/tasks/${upid}`, { what });
    const gone = (): Promise<string | undefined> => exitOf(rig.api, upid, what);
    // There is little time for taking things back.
    const soon = { ...pace, firstMs: 10 };
    await poll(rig.api.deadline, 'waiting for a cancelled task', gone, soon);
  } catch (thrown) {
    rig.context.log('task.cancel', {
      task: upid,
      error: Failure.from(thrown).message,
      level: 'warn',
    });
  }
}

/** Our own tasks of a kind that run on a node. */
export async function running(rig: Rig, node: string, type: string): Promise<readonly string[]> {
  const query = { source: 'active', typefilter: type };
  const tasks = listOf(
    await rig.api.get(path`/nodes/${node}/tasks`, { what: 'list the running tasks', query }),
  );
  return tasks.flatMap((entry) => {
    const task = recordOf(entry);
    const upid = textOf(task['upid']) ?? '';
    const ended = numberOf(task['endtime']) !== undefined;
    return !ended && upid.endsWith(`:${rig.api.token()}:`) ? [upid] : [];
  });
}

export function nodeOf(upid: string): string {
  return upid.split(':')[1] ?? '';
}

import { expectFailure, type Failure, isKind, reworded, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { type Pace, poll } from '../../../kit/poll.ts';
import type { TaskSession } from '../machine/session.ts';
import type { Api } from './client.ts';
import { listOf, numberOf, recordOf, textOf } from './wire.ts';

/** Most tasks end within a second, the others take minutes. */
export const pace: Pace = { firstMs: 30, growth: 1.3, mostMs: 2000 };

/**
 * A stop, shutdown or reboot looks for its QEMU once a second, so that it ends soon after a whole second:
 * the looks are made there, and none in between.
 */
export const stopPace: Pace = {
  first: [60, 240, 500, 220, 100, 100, 120, 680, 130, 130, 905],
  firstMs: 985,
  growth: 1,
  mostMs: 985,
};

/** How a task has ended; `undefined` while it runs. */
export async function exitOf(api: Api, upid: string, what: string): Promise<string | undefined> {
  const ask = { what: `follow the task that should ${what}` };
  const task = recordOf(await api.get(path`/nodes/${nodeOf(upid)}/tasks/${upid}/status`, ask));
  if (task['status'] === 'running') return undefined;
  return textOf(task['exitstatus']) ?? 'unexpected status';
}

/** The last lines of a task's log: facts for our own log, so that a failed read yields none. */
export async function tail(
  api: Api,
  upid: string,
  { limitMs = 5000, most = 10 }: { readonly limitMs?: number; readonly most?: number } = {},
): Promise<readonly string[]> {
  try {
    const ask = { what: 'read the log of a task', query: { limit: 5000 }, limitMs };
    const lines = listOf(await api.get(path`/nodes/${nodeOf(upid)}/tasks/${upid}/log`, ask));
    return lines.flatMap((line) => textOf(recordOf(line)['t']) ?? []).slice(-most);
  } catch (thrown) {
    expectFailure(thrown);
    return [];
  }
}

/** Ends a task that runs and waits until it has gone; fails while it may still run. */
export async function cancel(session: TaskSession, upid: string): Promise<void> {
  const { api } = session;
  const gone = (): Promise<string | undefined> => exitOf(api, upid, 'be cancelled');
  try {
    if ((await gone()) !== undefined) return;
    const ask = { what: 'cancel a task' };
    await api.send('DELETE', path`/nodes/${nodeOf(upid)}/tasks/${upid}`, ask);
    // There is little time for taking things back.
    await poll(api.deadline, 'waiting for a cancelled task', gone, { ...pace, firstMs: 10 });
  } catch (thrown) {
    throw stillRunning(upid, expectFailure(thrown));
  }
}

function stillRunning(upid: string, cause: Failure): Failure {
  return reworded(cause, {
    message: `task ${upid} may still run: ${cause.message}`,
    advice: `Stop it on node ${nodeOf(upid)} if it does, and look at what it leaves`,
  });
}

/** Our own tasks of a kind that run on a node. */
export async function running(
  session: TaskSession,
  node: string,
  type: string,
): Promise<readonly string[]> {
  const query = { source: 'active', typefilter: type, limit: 500 };
  const tasks = listOf(
    await session.api.get(path`/nodes/${node}/tasks`, { what: 'list the running tasks', query }),
  );
  return tasks.flatMap((entry) => {
    const task = recordOf(entry);
    const upid = textOf(task['upid']) ?? '';
    const ended = numberOf(task['endtime']) !== undefined;
    return !ended && upid.endsWith(`:${session.api.token()}:`) ? [upid] : [];
  });
}

export function nodeOf(upid: string): string {
  return upid.split(':')[1] ?? '';
}

/** When the time is up the work is what was waited for, not the look at it that was under way. */
export function overdue(api: Api, doing: string, thrown: unknown): unknown {
  const isOver = isKind(thrown, 'timeout') && api.deadline.remainingMs() === 0;
  return isOver ? api.deadline.failure(doing) : thrown;
}

// ---- waiting for the end ----

/** How long a cluster may not answer while one of its tasks is waited for. */
const mostSilentMs = 5000;

/** The work that is waited for, in words. */
export interface Watched {
  /** Completes "Could not ...". */
  readonly what: string;
  /** Completes "while ...". */
  readonly doing: string;
  /** The caller takes the work back when the time is up, so that it does not go on. */
  readonly takenBack?: true;
  readonly pace?: Pace;
  /** It hardly ever ends sooner, so that no look is made before. */
  readonly takesMs?: number;
}

/** Waits until the task has ended, and outlives a cluster that does not answer for a while. */
export async function exitAtLast(
  session: TaskSession,
  upid: string,
  work: Watched,
): Promise<string> {
  const { api } = session;
  let unknown = 0;
  let silentMs: number | undefined;
  const look = async (): Promise<string | undefined> => {
    try {
      const exit = await exitOf(api, upid, work.what);
      silentMs = undefined;
      return exit;
    } catch (thrown) {
      // Just begun, it may not be known yet.
      if (statusOf(thrown) === 400 && unknown++ < 3) return undefined;
      if (!isOnTheWay(thrown)) throw thrown;
      silentMs ??= api.deadline.remainingMs();
      if (silentMs - api.deadline.remainingMs() > mostSilentMs) throw thrown;
      return undefined;
    }
  };
  try {
    if (work.takesMs !== undefined) await api.deadline.sleep(work.takesMs, work.doing);
    return await poll(api.deadline, work.doing, look, work.pace ?? pace);
  } catch (thrown) {
    throw await unfinished(session, upid, work, overdue(api, work.doing, thrown));
  }
}

/**
 * The failure of a wait that ended before its task: how far the task has come says whether more time
 * would help, and a task that is not taken back may go on.
 */
async function unfinished(
  session: TaskSession,
  upid: string,
  { takenBack }: Watched,
  thrown: unknown,
): Promise<unknown> {
  if (!isOnTheWay(thrown)) return thrown;
  const failure = expectFailure(thrown);
  const margin = session.api.deadline.forUndo();
  const mayAsk = failure.kind === 'timeout' && margin.remainingMs() >= 1000;
  const lines = mayAsk ? await tail(session.at(margin).api, upid, { limitMs: 300 }) : [];
  const percent = [...lines.join('\n').matchAll(/\((\d+)(?:\.\d+)?%\)/g)].pop()?.[1];
  const come = percent === undefined ? '' : ` (${percent} % done)`;
  const goesOn = takenBack ? '' : `; it may still run on node ${nodeOf(upid)} as task ${upid}`;
  return reworded(failure, {
    message: `${failure.message}${come}${goesOn}`,
    advice: takenBack ? undefined : waitForIt,
  });
}

const waitForIt = 'Wait for its end there, look at the instance, then try again if need be';

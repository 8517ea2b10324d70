import { statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { poll } from '../../../kit/poll.ts';
import { tail } from '../api/task-state.ts';
import { listOf, numberOf, type Row, recordOf, textOf } from '../api/wire.ts';
import { isFree, machinesIn, sourceOf } from './makers.ts';
import { nodeLimitMs } from './read.ts';
import { changedLately, type Session } from './session.ts';

/* The search before a machine is believed to be missing. */

/** A task has written its configuration, or failed for a lock, within so many seconds. */
const settledSeconds = 20;
/** A task that ended so many seconds ago may have ended after the list was read. */
const lateSeconds = 60;
/** A request of a killed process may be on its way to a task. */
const secondSearchMs = 500;

/** The ids that the instance's machine may get, and the list that shows none of them. */
export interface Search {
  readonly ids: ReadonlySet<number>;
  readonly rows: readonly Row[];
}

/**
 * Waits until no task of ours can be making a machine under one of the ids any more: one that was
 * accepted writes its configuration up to a second later, and with rights on a pool alone the token
 * sees a copy only when it is finished. Answers whether it is worth looking again.
 */
export async function awaitMakers(session: Session, search: Search): Promise<boolean> {
  const first = await searchMakers(session, search);
  if (first === 'awaited' || !changedLately(session.context)) return first !== 'none';
  const { deadline } = session.context;
  await deadline.sleep(Math.min(secondSearchMs, deadline.remainingMs() / 4), 'looking for a task');
  const second = await searchMakers(session, search);
  return first !== 'none' || second !== 'none';
}

/** Whether there was a task to wait for, or one that has ended by now. */
async function searchMakers(
  session: Session,
  search: Search,
): Promise<'awaited' | 'ended' | 'none'> {
  const tasks = await makingTasks(session, search);
  const suspects = await suspectsAmong(session, search, tasks);
  if (suspects.length === 0) {
    return tasks.some(({ end }) => end !== undefined && isLate(session, end)) ? 'ended' : 'none';
  }
  session.context.log('machine.awaited', { tasks: suspects });
  const known = new Set(tasks.map(({ upid }) => upid));
  const look = async (): Promise<true | undefined> => {
    // Tasks that begin meanwhile are other calls': with them a busy cluster would never be waited out.
    const now = (await makingTasks(session, search)).filter(({ upid }) => known.has(upid));
    return (await suspectsAmong(session, search, now)).length === 0 ? true : undefined;
  };
  const doing = 'a task that may be making the machine of this instance was still running';
  await poll(session.context.deadline, doing, look, { firstMs: 50, growth: 1.3, mostMs: 2000 });
  return 'awaited';
}

function isLate({ api }: Session, end: number): boolean {
  return end >= api.now() - lateSeconds;
}

interface Task {
  readonly upid: string;
  readonly type: string;
  readonly id: string;
  readonly since: number;
  /** Absent while it runs. */
  readonly end: number | undefined;
}

/** Our own tasks that make machines, on all nodes that are known; one that is down makes none. */
async function makingTasks({ api, settings }: Session, { rows }: Search): Promise<readonly Task[]> {
  const nodes = new Set([settings.node, ...rows.map(({ node }) => node)]);
  const lists = await Promise.all([...nodes].map((node) => tasksOn(node)));
  return lists
    .flat()
    .map(taskOf)
    .filter(
      ({ upid, type }) => upid.endsWith(`:${api.token()}:`) && /^qm(clone|create)$/.test(type),
    );

  async function tasksOn(node: string): Promise<readonly unknown[]> {
    const ask = {
      what: `see what is being made on ${node}`,
      query: { source: 'all', limit: 100 },
      limitMs: nodeLimitMs,
    };
    try {
      return listOf(await api.get(path`/nodes/${node}/tasks`, ask));
    } catch (thrown) {
      // Without its cluster a node cannot write the configuration of a machine.
      if (isOnTheWay(thrown) && statusOf(thrown) === 595) return [];
      throw thrown;
    }
  }
}

function taskOf(entry: unknown): Task {
  const task = recordOf(entry);
  return {
    upid: textOf(task['upid']) ?? '',
    type: textOf(task['type']) ?? '',
    id: textOf(task['id']) ?? '',
    since: numberOf(task['starttime']) ?? 0,
    end: numberOf(task['endtime']),
  };
}

async function suspectsAmong(
  session: Session,
  search: Search,
  tasks: readonly Task[],
): Promise<readonly string[]> {
  const suspects: string[] = [];
  for (const task of tasks) {
    if (task.end === undefined && (await mayMake(session, search, task))) suspects.push(task.upid);
  }
  return suspects;
}

/** By the disks that its log names; where it names none, by its age and the ids that are taken. */
async function mayMake(session: Session, search: Search, task: Task): Promise<boolean> {
  const { ids } = search;
  if (task.type === 'qmcreate') return ids.has(Number(task.id));
  const named = machinesIn(await tail(session.api, task.upid), sourceOf(task.upid));
  if (named.length > 0) return named.some((id) => ids.has(id));
  if (session.api.now() - task.since < settledSeconds) return true;
  return hidesOne(session, search);
}

/** Whether one of the ids is taken by a machine that the token does not see. */
async function hidesOne(session: Session, { ids, rows }: Search): Promise<boolean> {
  const seen = new Set(rows.map(({ vmid }) => vmid));
  for (const vmid of ids) {
    if (!seen.has(vmid) && !(await isFree(session, vmid))) return true;
  }
  return false;
}

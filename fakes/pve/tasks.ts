import type { Clock } from './clock.ts';
import { apiError, isApiError } from './errors.ts';
import type { Faults } from './faults.ts';
import { createWorker, type Reins, type Worker } from './worker.ts';

/** A worker that was forked: what it logs, how it ended. */
export interface Task {
  readonly upid: string;
  readonly node: string;
  readonly type: string;
  readonly id: string;
  /** The user, or the token with its name. */
  readonly owner: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  endtime?: number;
  /** `OK`, `WARNINGS: 1`, `unexpected status` or the error; absent while it runs. */
  exit?: string;
  readonly log: readonly string[];
  /** Sends the signal that DELETE sends. */
  interrupt(): void;
  /** SIGKILL: the worker is gone, and its unfinished work stays as it is. */
  kill(): void;
  /** Resolves when it has ended, well or not. */
  readonly ended: Promise<void>;
}

export interface Tasks {
  readonly all: Task[];
  find(upid: string): Task | undefined;
  running(type?: string): Task[];
  /** Forks a worker; dies now and then with `got no worker upid` when a fault says so. */
  fork(order: Order, code: Code): Task;
}

export interface Order {
  readonly node: string;
  readonly type: string;
  readonly id: string | number;
  readonly owner: string;
}

type Code = (worker: Worker) => Promise<void>;

interface Pids {
  next(node: string): number;
}

export function createTasks(clock: Clock, faults: Faults, pids: Pids, forkMs: () => number): Tasks {
  const all: Task[] = [];
  const byUpid = new Map<string, Task>();
  return {
    all,
    find: (upid) => byUpid.get(upid),
    running: (type) =>
      all.filter((task) => task.exit === undefined && (type === undefined || task.type === type)),
    fork(order, code) {
      if (faults.losesWorker(order.type)) {
        throw apiError(500, 'got no worker upid - start worker failed');
      }
      const reins = createWorker(clock, faults.forTask(order.type, Number(order.id)));
      const pid = pids.next(order.node);
      const task = start(clock, { order, pid, reins, forkMs: forkMs() }, code);
      all.push(task);
      byUpid.set(task.upid, task);
      return task;
    },
  };
}

interface Forked {
  readonly order: Order;
  readonly pid: number;
  readonly reins: Reins;
  /** The time that the worker takes to get going, in the cluster's milliseconds. */
  readonly forkMs: number;
}

function start(clock: Clock, { order, pid, reins, forkMs }: Forked, code: Code): Task {
  const { node, type, id, owner } = order;
  const starttime = Math.floor(clock.now() / 1000);
  const pstart = Math.floor(clock.now() / 10) % 0xffffff;
  const ids = `${hex(pid)}:${hex(pstart)}:${hex(starttime)}`;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const finish = (exit: string): void => {
    if (task.exit !== undefined) return;
    Object.assign(task, { exit, endtime: Math.floor(clock.now() / 1000) });
    end();
  };
  const task: Task = {
    ...{ upid: `UPID:${node}:${ids}:${type}:${id}:${owner}:`, node, type, id: String(id), owner },
    ...{ pid, pstart, starttime, log: reins.log, ended },
    interrupt: () => void (task.exit === undefined && reins.interrupt()),
    kill: () => void (task.exit === undefined && reins.kill()),
  };
  void reins.worker.killed.then(() => finish('unexpected status'));
  // A real worker is a process of its own, and its UPID is out before it does anything.
  clock.after(forkMs, () => void (task.exit === undefined && run(reins, code).then(finish)));
  return task;
}

/** Runs the code and answers how it ended, which is the last line of the log as well. */
async function run({ worker, log, warnings }: Reins, code: Code): Promise<string> {
  try {
    await code(worker);
    const exit = warnings() === 0 ? 'OK' : `WARNINGS: ${warnings()}`;
    log.push(`TASK ${exit}`);
    return exit;
  } catch (error) {
    const text = isApiError(error) ? error.message : String(error);
    log.push(`TASK ERROR: ${text}`);
    return text;
  }
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

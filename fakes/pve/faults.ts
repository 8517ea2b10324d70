/** Which requests a fault is for; what is left out fits everything. */
export interface Target {
  readonly method?: string;
  /** Part of the path, or a pattern for it: `/nodes/pve1/qemu/100/status/start`. */
  readonly path?: string | RegExp;
  /** The node whose port was called. */
  readonly node?: string;
}

/** A fault of a request. */
export interface Fault extends Target {
  /** How often; once when left out. */
  readonly times?: number;
  /** How many fitting requests pass before. */
  readonly skip?: number;
  /** Real milliseconds before the answer. */
  readonly latencyMs?: number;
  /** No answer ever comes, the connection stays open. `after` has done what was asked. */
  readonly hang?: 'before' | 'after';
  /** The connection is cut: without having done anything, or with everything done. */
  readonly cut?: 'before' | 'after';
  /** Another answer than Proxmox would give, such as a proxy's HTML page. */
  readonly answer?: Answer;
  /** Whether what was asked has been done before `answer` is given. */
  readonly processed?: boolean;
  /** Runs before the request is served, such as a change behind the client's back. */
  readonly before?: () => void | Promise<void>;
  /** Runs after it was served and before it is answered. */
  readonly after?: () => void | Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly reason?: string;
  readonly body?: string;
  readonly type?: string;
}

/** A fault of a task. */
export interface TaskFault {
  readonly type?: string;
  /** The id in the UPID; a clone carries its source's. */
  readonly vmid?: number;
  readonly times?: number;
  /** Milliseconds of the cluster's time in place of what it takes otherwise. */
  readonly durationMs?: number;
  readonly never?: boolean;
  /** The error it ends with, after its time. */
  readonly fail?: string;
  /** The worker is killed halfway: locks and half-made things stay. */
  readonly kill?: boolean;
  readonly warnings?: boolean;
}

/** A fault that was injected. */
export interface InjectedFault {
  /** How often it took effect. */
  hits: number;
  remove(): void;
}

export interface Faults {
  request(fault: Fault): InjectedFault;
  task(fault: TaskFault): InjectedFault;
  /** The next fork of that kind answers `got no worker upid` and starts nothing. */
  loseWorker(type: string, times?: number): InjectedFault;
  clear(): void;
  forRequest(request: { method: string; path: string; node: string }): Fault[];
  forTask(type: string, vmid: number): TaskFault | undefined;
  losesWorker(type: string): boolean;
}

interface Entry<T> extends InjectedFault {
  readonly what: T;
  left: number;
  skip: number;
}

export function createFaults(): Faults {
  const requests = new Set<Entry<Fault>>();
  const tasks = new Set<Entry<TaskFault>>();
  const workers = new Set<Entry<string>>();

  return {
    request: (fault) => inject(requests, fault, fault.times, fault.skip),
    task: (fault) => inject(tasks, fault, fault.times),
    loseWorker: (type, times) => inject(workers, type, times),
    clear() {
      for (const set of [requests, tasks, workers]) set.clear();
    },
    forRequest: (request) =>
      [...requests].filter((entry) => fits(entry.what, request) && isDue(entry)).map(what),
    forTask(type, vmid) {
      const entry = [...tasks].find(
        ({ what: fault, left }) =>
          left > 0 && (fault.type ?? type) === type && (fault.vmid ?? vmid) === vmid,
      );
      return entry !== undefined && isDue(entry) ? entry.what : undefined;
    },
    losesWorker: (type) => [...workers].some((entry) => entry.what === type && isDue(entry)),
  };
}

function what<T>(entry: Entry<T>): T {
  return entry.what;
}

function inject<T>(set: Set<Entry<T>>, fault: T, times = 1, skip = 0): InjectedFault {
  const entry: Entry<T> = {
    what: fault,
    left: times,
    skip,
    hits: 0,
    remove: () => void set.delete(entry),
  };
  set.add(entry);
  return entry;
}

function isDue<T>(entry: Entry<T>): boolean {
  if (entry.left <= 0) return false;
  if (entry.skip > 0) {
    entry.skip -= 1;
    return false;
  }
  entry.left -= 1;
  entry.hits += 1;
  return true;
}

function fits(target: Target, request: { method: string; path: string; node: string }): boolean {
  if (target.method !== undefined && target.method !== request.method) return false;
  if (target.node !== undefined && target.node !== request.node) return false;
  if (target.path === undefined) return true;
  return typeof target.path === 'string'
    ? request.path.includes(target.path)
    : target.path.test(request.path);
}

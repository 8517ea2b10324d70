import type { Clock } from './clock.ts';
import { die } from './errors.ts';

type Mode = 'exclusive' | 'shared';

interface Waiter {
  readonly mode: Mode;
  readonly go: () => void;
}

/** The lock files in /var/lock/qemu-server: one per VM and node, held while a VM is worked on. */
export interface Locks {
  /**
   * Runs the work with the lock held; dies with the real one's text when it cannot be had in time.
   * `waiting` is called when it is not free at once.
   */
  hold<T>(request: LockRequest, work: () => Promise<T>): Promise<T>;
}

export interface LockRequest {
  readonly node: string;
  readonly vmid: number;
  readonly mode?: Mode;
  readonly timeoutMs?: number;
  readonly waiting?: () => void;
}

interface LockFile {
  readers: number;
  writer: boolean;
  readonly waiters: Waiter[];
}

export function createLocks(clock: Clock): Locks {
  const files = new Map<string, LockFile>();

  const fileOf = (key: string): LockFile => {
    const file = files.get(key) ?? { readers: 0, writer: false, waiters: [] };
    files.set(key, file);
    return file;
  };
  const acquire = (request: LockRequest): Promise<() => void> => {
    const { node, vmid, mode = 'exclusive', timeoutMs = 10_000 } = request;
    const file = fileOf(`${node}/${vmid}`);
    if (tryTake(file, mode)) return Promise.resolve(() => release(file, mode));
    request.waiting?.();
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        file.waiters.splice(file.waiters.indexOf(waiter), 1);
        reject(timeout(vmid));
      });
      const waiter = {
        mode,
        go: () => {
          cancel();
          resolve(() => release(file, mode));
        },
      };
      file.waiters.push(waiter);
    });
  };
  return {
    async hold(request, work) {
      const free = await acquire(request);
      try {
        return await work();
      } finally {
        free();
      }
    },
  };
}

function tryTake(file: LockFile, mode: Mode): boolean {
  if (file.writer || (mode === 'exclusive' && file.readers > 0)) return false;
  if (mode === 'shared') file.readers += 1;
  else file.writer = true;
  return true;
}

function release(file: LockFile, mode: Mode): void {
  if (mode === 'shared') file.readers -= 1;
  else file.writer = false;
  for (let next = file.waiters[0]; next !== undefined; next = file.waiters[0]) {
    if (!tryTake(file, next.mode)) return;
    file.waiters.shift();
    next.go();
  }
}

function timeout(vmid: number): unknown {
  try {
    return die(`can't lock file '/var/lock/qemu-server/lock-${vmid}.conf' - got timeout`);
  } catch (error) {
    return error;
  }
}

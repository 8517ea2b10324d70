import type { Caller } from './rights.ts';
import type { Node, State, Task } from './state.ts';
import type { Params } from './verify.ts';
import { never, type Worker } from './worker.ts';

/** A request that may be served: who asks, where it is worked on, with which checked parameters. */
export interface Call {
  readonly state: State;
  readonly caller: Caller;
  /** The node the work is done on: the one in the path, or else the one that was called. */
  readonly node: Node;
  /** The node whose port the client called. */
  readonly served: Node;
  readonly params: Params;
  /** The body's parts, for the few methods that take files. */
  readonly files?: ReadonlyMap<string, Buffer>;
}

/** Answers what stands under `data`. */
export type Handler = (call: Call) => unknown;

/** Handlers by `METHOD template`. */
export type Routes = Readonly<Record<string, Handler>>;

export function vmidOf(call: Call): number {
  return Number(call.params['vmid']);
}

export function flag(call: Call, name: string): boolean {
  return call.params[name] === '1';
}

/** Starts a worker on the call's node in the caller's name and answers its UPID. */
export function fork(
  call: Call,
  type: string,
  id: string | number,
  code: (worker: Worker) => Promise<void>,
): string {
  return forkTask(call, type, id, code).upid;
}

export function forkTask(
  { state, node, caller }: Call,
  type: string,
  id: string | number,
  code: (worker: Worker) => Promise<void>,
): Task {
  return state.tasks.fork({ node: node.name, type, id, owner: caller.id }, code);
}

/** How long that kind of work takes, in the cluster's milliseconds. */
export function durationOf(state: State, kind: string): number {
  return state.durations[kind] ?? state.durations['default'] ?? 100;
}

const gone = Symbol('killed');

/** Runs a worker's code with the VM's lock file held, and logs when it has to wait for it. */
export async function locked<T>(
  { state, node }: { readonly state: State; readonly node: Node },
  vmid: number,
  worker: Worker,
  code: () => Promise<T>,
  options: { readonly mode?: 'shared'; readonly timeoutMs?: number } = {},
): Promise<T> {
  const waiting = (): void => worker.log('trying to acquire lock...');
  const killed = worker.killed.then(() => gone);
  const work = (): Promise<unknown> => Promise.race([code(), killed]);
  const result = await state.locks.hold({ node: node.name, vmid, waiting, ...options }, work);
  return result === gone ? never : (result as T);
}

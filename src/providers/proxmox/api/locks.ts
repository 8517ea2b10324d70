import { expectFailure, remoteMessage, reworded } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import type { Api } from './client.ts';
import { listOf, numberOf, type Row, recordOf, textOf } from './wire.ts';

/* The locks that requests meet, and the tasks that hold them. */

type LockedPlace = Pick<Row, 'vmid' | 'node'>;

const refusedByLock = /VM is locked \(([a-z-]+)\)|can't lock file '[^']*' - got timeout/;
/** A machine that hangs must not make its own explanation hang as well. */
const holderLimitMs = 2000;

/**
 * The failure with what holds the lock that it met; any other failure as it is. A lock that has gone by
 * now was another call's: the machine was busy, and nothing else is wrong with it.
 */
export async function withHolder(api: Api, path: string, thrown: unknown): Promise<unknown> {
  const [met, lock] = refusedByLock.exec(remoteMessage(thrown)) ?? [];
  const [, node = '', vmid = ''] = /^\/nodes\/([^/]+)\/qemu\/(\d+)/.exec(path) ?? [];
  if (met === undefined || vmid === '' || api.deadline.remainingMs() < holderLimitMs) return thrown;
  const failure = expectFailure(thrown);
  let seen: LockState;
  try {
    seen = await lockOn(api, { node, vmid: Number(vmid) }, lock);
  } catch (unanswered) {
    expectFailure(unanswered);
    return failure;
  }
  const { words, advice } = seen;
  const message = words === undefined ? failure.message : `${failure.message}, ${words}`;
  return reworded(failure, { message, advice });
}

/** A lock as it is now, with the advice about it. */
export interface LockState {
  readonly state: 'held' | 'gone' | 'unseen';
  /** The task that holds it and since when, or that it has gone. */
  readonly words?: string;
  readonly advice: string;
}

/** Asks for the task that holds the lock and, where none is seen, whether the lock is still there. */
export async function lockOn(
  api: Api,
  place: LockedPlace,
  lock: string | undefined,
): Promise<LockState> {
  const holder = await holderOf(api, place, lock);
  if (holder !== undefined) {
    return { state: 'held', words: `held ${holder}`, advice: 'Wait until that task has ended' };
  }
  if (lock !== undefined && (await lockNow(api, place)) !== lock) {
    return { state: 'gone', words: 'but by now it is not', advice: 'It was busy: try again' };
  }
  return { state: 'unseen', advice: withoutHolder(place, lock) };
}

async function lockNow(api: Api, { node, vmid }: LockedPlace): Promise<string | undefined> {
  const ask = { what: `look at the lock of machine ${vmid}`, limitMs: holderLimitMs };
  const current = await api.get(path`/nodes/${node}/qemu/${vmid}/status/current`, ask);
  return textOf(recordOf(current)['lock']);
}

/** The task that holds a lock, as `since TIME by UPID`; `undefined` when the token sees none. */
async function holderOf(
  api: Api,
  { node, vmid }: LockedPlace,
  lock: string | undefined,
): Promise<string | undefined> {
  const what = `see what holds the lock of machine ${vmid}`;
  const query = { source: 'active', limit: 500 };
  const tasks = listOf(
    await api.get(path`/nodes/${node}/tasks`, { what, query, limitMs: holderLimitMs }),
  );
  const active = tasks.map(recordOf).filter((task) => numberOf(task['endtime']) === undefined);
  const holder =
    active.find((task) => textOf(task['id']) === String(vmid)) ??
    active.find((task) => mayHold(textOf(task['type']), textOf(task['id']), lock));
  if (holder === undefined) return undefined;
  const since = new Date((numberOf(holder['starttime']) ?? 0) * 1000).toISOString();
  return `since ${since.slice(0, 19)}Z by ${textOf(holder['upid']) ?? 'a task'}`;
}

/** A copy carries the id of its source, and a backup of many machines none. */
function mayHold(type: string | undefined, id: string | undefined, lock?: string): boolean {
  if (lock === 'clone') return type === 'qmclone';
  return lock === 'backup' && type === 'vzdump' && id === undefined;
}

/**
 * The advice about a lock that no visible task holds. Taken off over a task that works on the machine,
 * a lock no longer keeps others from its disks: root looks first.
 */
function withoutHolder({ node, vmid }: LockedPlace, lock: string | undefined): string {
  if (lock === 'suspended') return 'Its memory is saved to disk: start it, or delete it';
  if (lock === undefined) return 'Another task works on it: wait';
  return `No task that the token sees works on it (without Sys.Audit on /nodes it sees its own alone): if \`pvesh get /nodes/${node}/tasks --source active\` shows none either, root on ${node} runs \`qm unlock ${vmid}\`, then look at \`outrigger audit\``;
}

import { expectFailure, remoteMessage, reworded } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import type { Api } from './client.ts';
import { listOf, numberOf, type Row, recordOf, textOf } from './wire.ts';

type Place = Pick<Row, 'vmid' | 'node'>;

const refusedByLock = /VM is locked \(([a-z-]+)\)|can't lock file '[^']*' - got timeout/;
/** A machine that hangs must not make its own explanation hang as well. */
const limitMs = 2000;

/** The failure with who holds the lock that it met and since when; any other one as it is. */
export async function withHolder(api: Api, path: string, thrown: unknown): Promise<unknown> {
  const [met, lock] = refusedByLock.exec(remoteMessage(thrown)) ?? [];
  const [, node = '', vmid = ''] = /^\/nodes\/([^/]+)\/qemu\/(\d+)/.exec(path) ?? [];
  if (met === undefined || vmid === '' || api.deadline.remainingMs() < limitMs) return thrown;
  const failure = expectFailure(thrown);
  const place = { node, vmid: Number(vmid) };
  let holder: string | undefined;
  try {
    holder = await holderOf(api, place, lock);
  } catch (unanswered) {
    expectFailure(unanswered);
    return failure;
  }
  const held = holder === undefined ? '' : `, held ${holder}`;
  return reworded(failure, {
    message: `${failure.message}${held}`,
    advice: holder === undefined ? withoutHolder(place, lock) : 'Wait until that task has ended',
  });
}

/** The task that holds a lock, as `since TIME by UPID`; `undefined` when the token sees none. */
export async function holderOf(
  api: Api,
  { node, vmid }: Place,
  lock: string | undefined,
): Promise<string | undefined> {
  const what = `see what holds the lock of machine ${vmid}`;
  const query = { source: 'active', limit: 500 };
  const tasks = listOf(await api.get(path`/nodes/${node}/tasks`, { what, query, limitMs }));
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

/** What to do about a lock that no task seems to hold. */
export function withoutHolder({ node, vmid }: Place, lock: string | undefined): string {
  if (lock === 'suspended') return 'Its memory is saved to disk: start it, or delete it';
  if (lock === undefined) return 'Another task works on it: wait';
  return `No task that the token sees works on it: if none does, root on ${node} has to run \`qm unlock ${vmid}\`, then look at \`outrigger audit\``;
}

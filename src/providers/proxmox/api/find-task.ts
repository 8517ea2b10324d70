import { expectFailure, Failure, remoteMessage, reworded, wasNotSent } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import type { Method } from '../../../kit/http/request.ts';
import type { Session } from '../machine/session.ts';
import type { Api } from './client.ts';
import { listOf, numberOf, type Row, recordOf, textOf } from './wire.ts';

/*
 * Tasks that an action did not get the id of: the one that a request has begun whose answer got lost,
 * and the one that holds the lock which a request met.
 */

/** A request may still be on its way: a first look that finds no task is followed by a second. */
const secondSearchMs = 300;

/** Whether a change may have been made although it failed: no answer says that it was not. */
export function isUncertain(thrown: unknown): boolean {
  if (!(thrown instanceof Failure) || wasNotSent(thrown)) return false;
  const { status, sent } = thrown.remote;
  // 595 stands for a node that could not be connected to; a 200 was no answer of Proxmox VE.
  if (status !== undefined) return status === 200 || (status > 501 && status !== 595);
  return sent === 'maybe';
}

export interface Sent {
  readonly method?: Method;
  readonly path: string;
  readonly params?: Pairs;
}

/** The types of the tasks that requests begin, by what these end with; where HA is in charge others. */
const types: readonly (readonly [request: RegExp, types: readonly string[]])[] = [
  [/^POST .*\/status\/start$/, ['qmstart', 'hastart']],
  [/^POST .*\/status\/stop$/, ['qmstop', 'hastop']],
  [/^POST .*\/status\/shutdown$/, ['qmshutdown', 'hastop']],
  [/^POST .*\/status\/reboot$/, ['qmreboot']],
  [/^POST .*\/status\/reset$/, ['qmreset']],
  [/^POST .*\/status\/suspend$/, ['qmpause']],
  [/^POST .*\/status\/resume$/, ['qmresume']],
  [/^POST .*\/snapshot$/, ['qmsnapshot']],
  [/^DELETE .*\/snapshot\/[^/]+$/, ['qmdelsnapshot']],
  [/^POST .*\/rollback$/, ['qmrollback']],
  [/^POST .*\/migrate$/, ['qmigrate', 'hamigrate']],
  [/^POST .*\/config$/, ['qmconfig']],
  [/^PUT .*\/resize$/, ['resize']],
  [/^POST .*\/vzdump$/, ['vzdump']],
  [/^POST .*\/qemu$/, ['qmcreate', 'qmrestore']],
  [/^DELETE .*\/qemu\/\d+$/, ['qmdestroy']],
];

/**
 * The task that such a request has begun; `undefined` when there is none, or the cluster does not
 * answer. The task of a clone is not found here: it carries the id of the machine that is copied.
 */
export async function findTask(
  session: Session,
  sent: Sent,
  since: number,
): Promise<string | undefined> {
  const [, node = '', inPath] = /^\/nodes\/([^/]+)(?:\/qemu\/(\d+))?/.exec(sent.path) ?? [];
  const vmid = inPath ?? sent.params?.['vmid'];
  const request = `${sent.method ?? 'POST'} ${sent.path}`;
  const wanted = types.find(([pattern]) => pattern.test(request))?.[1];
  if (since === 0 || vmid === undefined || wanted === undefined) return undefined;
  const place = { node, vmid: String(vmid), since, wanted };
  const { deadline } = session.api;
  const end = deadline.remainingMs() === 0 ? deadline.forUndo() : deadline;
  const margin = session.at(end);
  try {
    const first = await newTask(margin, place);
    if (first !== undefined) return first;
    await end.sleep(Math.min(secondSearchMs, end.remainingMs() / 4), 'looking for a task');
    return await newTask(margin, place);
  } catch (thrown) {
    expectFailure(thrown);
    return undefined;
  }
}

interface Place {
  readonly node: string;
  readonly vmid: string;
  readonly since: number;
  readonly wanted: readonly string[];
}

/** A task that this account has begun on the machine since then and this action does not know. */
async function newTask(
  { api, tasks: known }: Session,
  { node, vmid, since, wanted }: Place,
): Promise<string | undefined> {
  const ask = {
    what: `look for a task of machine ${vmid}`,
    query: { vmid, since, source: 'all', limit: 50 },
    limitMs: Math.min(2000, api.deadline.remainingMs() / 4),
  };
  const tasks = listOf(await api.get(path`/nodes/${node}/tasks`, ask));
  return tasks
    .map(recordOf)
    .filter((task) => wanted.includes(textOf(task['type']) ?? ''))
    .map((task) => textOf(task['upid']) ?? '')
    .find((upid) => upid.endsWith(`:${api.token()}:`) && !known.has(upid));
}

// ---- locks ----

type LockedPlace = Pick<Row, 'vmid' | 'node'>;

const refusedByLock = /VM is locked \(([a-z-]+)\)|can't lock file '[^']*' - got timeout/;
/** A machine that hangs must not make its own explanation hang as well. */
const holderLimitMs = 2000;

/** The failure with the task that holds the lock which it met; any other failure as it is. */
export async function withHolder(api: Api, path: string, thrown: unknown): Promise<unknown> {
  const [met, lock] = refusedByLock.exec(remoteMessage(thrown)) ?? [];
  const [, node = '', vmid = ''] = /^\/nodes\/([^/]+)\/qemu\/(\d+)/.exec(path) ?? [];
  if (met === undefined || vmid === '' || api.deadline.remainingMs() < holderLimitMs) return thrown;
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

/** The advice about a lock that no visible task holds. */
export function withoutHolder({ node, vmid }: LockedPlace, lock: string | undefined): string {
  if (lock === 'suspended') return 'Its memory is saved to disk: start it, or delete it';
  if (lock === undefined) return 'Another task works on it: wait';
  return `No task that the token sees works on it: if none does, root on ${node} has to run \`qm unlock ${vmid}\`, then look at \`outrigger audit\``;
}

import { expectFailure, Failure, wasNotSent } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import type { Method } from '../../../kit/http/request.ts';
import type { TaskSession } from '../machine/session.ts';
import { listOf, recordOf, textOf } from './wire.ts';

/* The task that a request has begun whose answer got lost. */

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
  [/^POST .*\/move_disk$/, ['qmmove']],
  [/^POST .*\/vzdump$/, ['vzdump']],
  [/^POST .*\/qemu$/, ['qmcreate', 'qmrestore']],
  [/^DELETE .*\/qemu\/\d+$/, ['qmdestroy']],
];

/**
 * The task that such a request has begun; `undefined` when there is none, or the cluster does not
 * answer. The task of a clone is not found here: it carries the id of the machine that is copied.
 */
export async function findTask(
  session: TaskSession,
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
  { api, tasks: known }: TaskSession,
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

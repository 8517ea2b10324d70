import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../index.ts';
import type { Difference, Recorded } from './recorded.ts';
import { type Reply, translated } from './wire.ts';

interface Compared {
  readonly reply: Reply;
  readonly upids: ReadonlyMap<string, string>;
  readonly where: string;
}

export async function compare(
  cluster: Cluster,
  call: Recorded,
  compared: Compared,
): Promise<Difference[]> {
  const { reply, where } = compared;
  const body = /^[{[]/.test(reply.text) ? reply.json() : {};
  const upid = taskOf(call, compared, body.data);
  const recorded: Record<string, unknown> = {
    status: call.status,
    reason: steady(call.reason.trim()),
  };
  const faked: Record<string, unknown> = { status: reply.status, reason: steady(reply.reason) };
  if (call.errors !== undefined || body.errors !== undefined) {
    recorded['errors'] = call.errors;
    faked['errors'] = body.errors;
  }
  if (call.status !== 200 || call.message !== undefined) {
    recorded['message'] = steady(call.message === true ? `${call.reason}\n` : call.message);
    faked['message'] = steady(body.message);
  }
  if (call.keys !== undefined) {
    recorded['keys'] = call.keys;
    faked['keys'] = keysOf(body.data);
  }
  if (call.data !== undefined && call.status === 200) {
    recorded['data'] = call.data;
    faked['data'] = kindOf(body.data);
  }
  if (call.connection !== undefined) {
    recorded['connection'] = call.connection;
    faked['connection'] = reply.connection;
  }
  if (call.task !== undefined) {
    recorded['exit'] = steady(call.task.exit);
    faked['exit'] = steady(await exitOf(cluster, upid));
    recorded['type'] = call.task.type;
    faked['type'] = upid?.split(':')[5];
  }
  for (const { type, exit } of call.more ?? []) {
    recorded[`exit of ${type}`] = exit;
    faked[`exit of ${type}`] = await exitOf(cluster, lastOf(cluster, type));
  }
  if (call.power !== undefined) {
    recorded['power'] = call.power;
    faked['power'] = (body.data as { status?: string } | null)?.status;
  }
  return Object.keys(recorded)
    .filter((field) => !isDeepStrictEqual(recorded[field], faked[field]))
    .map((field) => ({ where, field, recorded: recorded[field], faked: faked[field] }));
}

function keysOf(data: unknown): string {
  const rows = (Array.isArray(data) ? data : [data]) as (object | null | undefined)[];
  return [...new Set(rows.flatMap((row) => Object.keys(row ?? {})))].sort().join(' ');
}

function kindOf(data: unknown): string {
  if (data === null) return 'null';
  return Array.isArray(data) ? 'list' : typeof data;
}

/** Numbers of processes are different every time. */
function steady<T extends string | undefined>(text: T): T {
  return text?.replace(/\.conf\.tmp\.\d+/, '.conf.tmp.N') as T;
}

/** The task of a call: in its answer, or else the one that its path names. */
function taskOf(call: Recorded, { upids }: Compared, data: unknown): string | undefined {
  if (typeof data === 'string' && data.startsWith('UPID')) return data;
  const inside = (data as { upid?: unknown } | null | undefined)?.upid;
  if (typeof inside === 'string') return inside;
  const named = decodeURIComponent(translated(call.path, upids));
  return /UPID:[^/]*/.exec(named)?.[0];
}

function lastOf(cluster: Cluster, type: string): string | undefined {
  return cluster.state.tasks.all.filter((task) => task.type === type).at(-1)?.upid;
}

async function exitOf(cluster: Cluster, upid: string | undefined): Promise<string> {
  const task = upid === undefined ? undefined : cluster.state.tasks.find(upid);
  if (task === undefined) return 'no task';
  while (task.exit === undefined) await cluster.clock.step();
  return task.exit;
}

import type { Call, Routes } from './call.ts';
import { badParameters } from './errors.ts';
import { demand, may } from './rights.ts';
import type { Task } from './state.ts';

export const taskRoutes: Routes = {
  'GET /nodes/{node}/tasks': list,
  'GET /nodes/{node}/tasks/{upid}': () => [{ name: 'status' }, { name: 'log' }],
  'GET /nodes/{node}/tasks/{upid}/status': status,
  'GET /nodes/{node}/tasks/{upid}/log': log,
  'DELETE /nodes/{node}/tasks/{upid}': stop,
};

const parts = /^UPID:([^:]+):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:([^:]+):([^:]*):([^:]+):$/;

/** A task as every listing shows it. */
export function summary(task: Task): Record<string, unknown> {
  const [user, tokenid] = task.owner.split('!');
  const { upid, node, type, id, pid, pstart, starttime, endtime, exit } = task;
  return {
    ...{ upid, node, type, id, pid, pstart, starttime, user },
    ...(tokenid === undefined ? {} : { tokenid }),
    ...(endtime === undefined ? {} : { endtime }),
    ...(exit === undefined ? {} : { status: exit }),
  };
}

function ownerIn(upid: string): string {
  return parts.exec(upid)?.[4] ?? badParameters({ upid: 'unable to parse worker upid' });
}

/** A task of the caller's own needs no right; another's needs one on the node. */
function guard({ state, caller, node }: Call, upid: string, right: string): void {
  const owner = ownerIn(upid);
  const own =
    owner === caller.id || (caller.token === undefined && owner.split('!')[0] === caller.id);
  if (!own) demand(state, caller, `/nodes/${node.name}`, [right]);
}

function find({ state, node }: Call, upid: string): Task | undefined {
  const task = state.tasks.find(upid);
  return task?.node === node.name ? task : undefined;
}

function status(call: Call): object {
  const upid = call.params['upid'] ?? '';
  ownerIn(upid);
  const task = find(call, upid) ?? badParameters({ upid: 'no such task' });
  guard(call, upid, 'Sys.Audit');
  const { endtime: _endtime, status: _status, ...rest } = summary(task);
  const ended = task.exit === undefined ? {} : { exitstatus: task.exit };
  return { ...rest, status: task.exit === undefined ? 'running' : 'stopped', ...ended };
}

function log(call: Call): object {
  const { params } = call;
  const upid = params['upid'] ?? '';
  guard(call, upid, 'Sys.Audit');
  const task = find(call, upid);
  if (task === undefined) {
    return { total: 1, data: { n: 1, t: 'unable to open file - No such file or directory' } };
  }
  const start = Number(params['start'] ?? 0);
  const limit = Number(params['limit'] ?? 50);
  const lines = task.log.map((t, index) => ({ n: index + 1, t }));
  return { total: lines.length, data: limit === 0 ? lines : lines.slice(start, start + limit) };
}

async function stop(call: Call): Promise<null> {
  const upid = call.params['upid'] ?? '';
  guard(call, upid, 'Sys.Modify');
  const task = find(call, upid);
  if (task === undefined || task.exit !== undefined) return null;
  task.interrupt();
  // It looks every second whether the worker has gone.
  await Promise.race([task.ended, call.state.clock.sleep(5000)]);
  return null;
}

function list(call: Call): object {
  const { state, caller, node, params } = call;
  const all = may(state, caller, `/nodes/${node.name}`, ['Sys.Audit']);
  const { vmid, typefilter, source = 'archive' } = params;
  const userfilter = params['userfilter'];
  const fits = (task: Task): boolean =>
    task.node === node.name &&
    (all || task.owner === caller.id) &&
    (vmid === undefined || task.id === vmid) &&
    (typefilter === undefined || task.type === typefilter) &&
    (userfilter === undefined || task.owner.includes(userfilter)) &&
    (params['errors'] !== '1' || isError(task)) &&
    (params['since'] === undefined || task.starttime >= Number(params['since'])) &&
    (params['until'] === undefined || task.starttime <= Number(params['until'])) &&
    ofStatus(task, params['statusfilter']);
  const found = state.tasks.all.filter(fits).reverse();
  const active = found.filter(({ exit }) => exit === undefined);
  const done = found.filter(({ exit }) => exit !== undefined);
  const chosen = source === 'archive' ? done : source === 'active' ? active : [...active, ...done];
  const start = Number(params['start'] ?? 0);
  const limit = Number(params['limit'] ?? 50);
  return { total: chosen.length, data: chosen.slice(start, start + limit).map(summary) };
}

function isError({ exit }: Task): boolean {
  return exit !== undefined && exit !== 'OK' && !exit.startsWith('WARNINGS');
}

function ofStatus(task: Task, filter: string | undefined): boolean {
  if (filter === undefined) return true;
  const kind = isError(task) ? 'error' : task.exit === 'OK' ? 'ok' : 'warning';
  return filter.split(',').includes(kind);
}

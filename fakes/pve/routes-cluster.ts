import type { Call, Routes } from './call.ts';
import { badParameters } from './errors.ts';
import { resources } from './resources.ts';
import { may } from './rights.ts';
import { summary } from './routes-tasks.ts';
import type { State } from './state.ts';

const repoid = { '8.4': '2a5fa54a8503f96d', '9.1': '5ac30304265fbd8e' } as const;

const patch = { '8.4': '8.4.1', '9.1': '9.1.4' } as const;

export function versionOf({ version }: State): Record<string, string> {
  return { version: patch[version], release: version, repoid: repoid[version] };
}

export const clusterRoutes: Routes = {
  'GET /version': ({ state }) => versionOf(state),
  'GET /cluster/nextid': nextId,
  'GET /cluster/resources': resources,
  'GET /cluster/status': clusterStatus,
  'GET /cluster/options': options,
  'GET /cluster/tasks': (call) =>
    [...call.state.tasks.all]
      .reverse()
      .filter(
        (task) =>
          maySee(call, task.owner) ||
          may(call.state, call.caller, `/nodes/${task.node}`, ['Sys.Audit']),
      )
      .slice(0, 25)
      .map((task) => ({ ...summary(task), saved: '1' })),
  'GET /cluster/log': ({ state, params }) =>
    state.tasks.all
      .flatMap(({ upid, owner, node, pid, starttime, endtime, exit }) => [
        logLine(node, pid, owner, starttime, `starting task ${upid}`),
        ...(endtime === undefined
          ? []
          : [logLine(node, pid, owner, endtime, `end task ${upid} ${exit ?? ''}`)]),
      ])
      .reverse()
      .slice(0, Number(params['max'] ?? 50)),
  'GET /cluster/replication': ({ state }) =>
    [...state.replication].map(([id, { guest, target }]) => ({ id, guest, target, type: 'local' })),
};

function maySee({ caller }: Call, owner: string): boolean {
  return owner === caller.id;
}

function logLine(node: string, pid: number, user: string, time: number, msg: string): object {
  return {
    tag: 'pvedaemon',
    pri: 6,
    node,
    pid,
    user,
    time,
    msg,
    uid: String(pid),
    id: `${pid}:${node}`,
  };
}

function nextId({ state, params }: Call): string {
  const wanted = params['vmid'];
  if (wanted === undefined) {
    const [lower = 100, upper = 1_000_000] = rangeOf(state);
    for (let id = lower; id < upper; id += 1) if (!state.vms.has(id)) return String(id);
    return badParameters({ vmid: 'unable to get any free VMID' });
  }
  if (state.vms.has(Number(wanted))) badParameters({ vmid: `VM ${wanted} already exists` });
  return wanted;
}

/** `next-id: lower=…,upper=…` of the datacenter options. */
function rangeOf(state: State): number[] {
  const text = state.options.get('next-id') ?? '';
  const bound = (name: string, usual: number): number =>
    Number(new RegExp(`${name}=(\\d+)`).exec(text)?.[1] ?? usual);
  return [bound('lower', 100), bound('upper', 1_000_000)];
}

function clusterStatus({ state, served }: Call): object[] {
  const nodes = [...state.nodes.values()].map((node) => ({
    ...{ id: `node/${node.name}`, type: 'node', name: node.name, nodeid: node.id, ip: node.ip },
    ...{ local: node === served ? 1 : 0, online: node.online ? 1 : 0, level: '' },
  }));
  const quorate = state.quorate ? 1 : 0;
  const cluster = { id: 'cluster', type: 'cluster', name: state.name, version: 2, quorate };
  return [{ ...cluster, nodes: nodes.length }, ...nodes];
}

/** Everybody sees which tags may be used, not by which policy; that is for those who may see the cluster. */
function options({ state, caller }: Call): object {
  const all = Object.fromEntries(state.options);
  const registered = (all['registered-tags'] ?? '').split(/[;,]/).filter((tag) => tag !== '');
  const used = [...state.vms.values()].flatMap((vm) => (vm.config.get('tags') ?? '').split(';'));
  const allowed = [...new Set([...registered, ...used.filter((tag) => tag !== '')])];
  const seen = may(state, caller, '/', ['Sys.Audit']);
  const shown = seen
    ? Object.entries(all)
    : Object.entries(all).filter(([key]) => /^(console|tag-style)$/.test(key));
  return {
    ...Object.fromEntries(shown.map(([key, value]) => [key, structured(value)])),
    'allowed-tags': allowed,
  };
}

/** Options with parts come apart: `user-allow=none` is `{"user-allow": "none"}`. */
function structured(text: string): unknown {
  if (!/^[a-z-]+=/.test(text)) return text;
  return Object.fromEntries(text.split(',').map((part) => part.split(/=(.*)/s).slice(0, 2)));
}

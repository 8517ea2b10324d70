import { type Call, fork, locked, type Routes } from './call.ts';
import { die } from './errors.ts';
import { halt, startVm } from './start.ts';
import type { HaResource, State } from './state.ts';

/** How long the manager takes to act on a request, in the cluster's milliseconds. */
const reaction = 8000;

/** With HA start and stop are only requests: the task ends before anything has happened. */
export function requestState(call: Call, vmid: number, wanted: string, type: string): string {
  const { state } = call;
  return fork(call, type, vmid, async (worker) => {
    const resource = state.ha.get(`vm:${vmid}`);
    if (resource === undefined) die(`no such resource 'vm:${vmid}'`);
    worker.log(`Requesting HA ${wanted === 'started' ? 'start' : 'stop'} for VM ${vmid}`);
    await worker.work(300);
    resource.state = wanted;
    state.clock.after(reaction, () => act(state, vmid));
  });
}

/** A machine in another state than that of its resource is brought to that state. */
export function watchOver(state: State, vmid: number): void {
  if (state.ha.has(`vm:${vmid}`)) state.clock.after(reaction, () => act(state, vmid));
}

/** The local resource manager brings the VM where its resource says, in root's name. */
function act(state: State, vmid: number): void {
  const vm = state.vms.get(vmid);
  const node = vm === undefined ? undefined : state.nodes.get(vm.node);
  const wanted = state.ha.get(`vm:${vmid}`)?.state;
  if (vm === undefined || node === undefined) return;
  const order = { node: node.name, id: vmid, owner: 'root@pam' };
  if (wanted === 'started' && vm.power === 'stopped') {
    state.tasks.fork({ ...order, type: 'qmstart' }, (worker) =>
      locked({ state, node }, vmid, worker, () => startVm(state, node, vmid, worker)),
    );
  }
  if (wanted === 'stopped' && vm.power === 'running') {
    state.tasks.fork({ ...order, type: 'qmshutdown' }, async (worker) => {
      await worker.work(vm.guest.shutdownMs);
      halt(vm);
    });
  }
}

export const haRoutes: Routes = {
  'GET /cluster/ha/resources': ({ state }) => [...state.ha].map(([sid, one]) => shown(sid, one)),
  'POST /cluster/ha/resources': (call) => {
    const { state, params } = call;
    const sid = sidOf(params['sid']);
    if (state.ha.has(sid)) die(`create resource failed: resource ID '${sid}' already defined`);
    if (!state.vms.has(Number(sid.slice(3)))) {
      die(`create resource failed: unable to add resource: no such VM '${sid.slice(3)}'`);
    }
    const { group, comment, state: wanted = 'started' } = params;
    state.ha.set(sid, {
      state: wanted,
      ...(group === undefined ? {} : { group }),
      ...(comment === undefined ? {} : { comment }),
    });
    state.clock.after(reaction, () => act(state, Number(sid.slice(3))));
  },
  'GET /cluster/ha/resources/{sid}': (call) => {
    const sid = sidOf(call.params['sid']);
    return shown(sid, need(call, sid));
  },
  'PUT /cluster/ha/resources/{sid}': (call) => {
    const { state, params } = call;
    const sid = sidOf(params['sid']);
    const resource = need(call, sid);
    if (params['state'] !== undefined) resource.state = params['state'];
    if (params['group'] !== undefined) resource.group = params['group'];
    state.clock.after(reaction, () => act(state, Number(sid.slice(3))));
  },
  'DELETE /cluster/ha/resources/{sid}': (call) => {
    const sid = sidOf(call.params['sid']);
    need(call, sid);
    call.state.ha.delete(sid);
  },
  'GET /cluster/ha/status/current': ({ state, served }) => [
    {
      id: 'quorum',
      type: 'quorum',
      node: served.name,
      quorate: state.quorate ? 1 : 0,
      status: 'OK',
    },
    ...[...state.ha].map(([sid, one]) => ({
      ...{ id: `service:${sid}`, sid, type: 'service', state: one.state },
      node: state.vms.get(Number(sid.slice(3)))?.node,
    })),
  ],
};

function need({ state }: Call, sid: string): HaResource {
  return state.ha.get(sid) ?? die(`no such resource '${sid}'`);
}

function sidOf(text = ''): string {
  return text.includes(':') ? text : `vm:${text}`;
}

function shown(sid: string, resource: HaResource): object {
  return { sid, type: 'vm', ...resource, max_restart: 1, max_relocate: 1, digest: '0'.repeat(40) };
}

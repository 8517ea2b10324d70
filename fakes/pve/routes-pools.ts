import type { Call, Routes } from './call.ts';
import { die } from './errors.ts';
import { splitList } from './formats.ts';
import { demand, may } from './rights.ts';
import { clusterRoutes } from './routes-cluster.ts';
import type { Pool } from './state.ts';

export const poolRoutes: Routes = {
  'GET /pools': (call) => {
    const { state, caller, params } = call;
    const wanted = params['poolid'];
    if (wanted !== undefined) {
      demand(state, caller, `/pool/${wanted}`, ['Pool.Audit']);
      return [{ poolid: wanted, ...shown(call, need(call, wanted)) }];
    }
    return [...state.pools]
      .filter(([id]) => may(state, caller, `/pool/${id}`, ['Pool.Audit']))
      .map(([poolid, { comment }]) => ({ poolid, ...(comment === undefined ? {} : { comment }) }));
  },
  'POST /pools': ({ state, params }) => {
    const { poolid = '', comment } = params;
    if (state.pools.has(poolid)) die(`create pool failed: pool '${poolid}' already exists`);
    const pool: Pool = { vms: new Set(), storages: new Set() };
    if (comment !== undefined) pool.comment = comment;
    state.pools.set(poolid, pool);
  },
  'GET /pools/{poolid}': (call) => {
    const poolid = call.params['poolid'] ?? '';
    return { poolid, ...shown(call, need(call, poolid)) };
  },
  'PUT /pools': change,
  'PUT /pools/{poolid}': change,
  'DELETE /pools': remove,
  'DELETE /pools/{poolid}': remove,
};

function need({ state }: Call, id: string): Pool {
  return state.pools.get(id) ?? die(`pool '${id}' does not exist`);
}

function shown(call: Call, { comment, vms, storages }: Pool): object {
  const all = clusterRoutes['GET /cluster/resources']?.({ ...call, params: {} }) as Record<
    string,
    unknown
  >[];
  const members = all.filter(
    ({ type, vmid, storage }) =>
      (type === 'qemu' && vms.has(Number(vmid))) ||
      (type === 'storage' && storages.has(String(storage))),
  );
  return { ...(comment === undefined ? {} : { comment }), members };
}

function change(call: Call): void {
  const { state, caller, params } = call;
  const { poolid = '', vms = '', storage = '', comment } = params;
  const pool = need(call, poolid);
  if (comment !== undefined) pool.comment = comment;
  const takesOut = params['delete'] === '1';
  for (const vmid of splitList(vms).map(Number)) {
    demand(state, caller, `/vms/${vmid}`, ['VM.Allocate']);
    if (takesOut) {
      if (!pool.vms.delete(vmid)) die(`update pools failed: VM ${vmid} is not a pool member`);
      continue;
    }
    if (pool.vms.has(vmid)) die(`update pools failed: VM ${vmid} is already a pool member`);
    const other = [...state.pools].find(([, one]) => one.vms.has(vmid));
    if (other !== undefined && params['allow-move'] !== '1') {
      die(`update pools failed: VM ${vmid} belongs already to pool '${other[0]}'`);
    }
    other?.[1].vms.delete(vmid);
    // Ids of VMs that do not exist are taken as well, but never shown.
    pool.vms.add(vmid);
  }
  for (const id of splitList(storage)) {
    if (takesOut) pool.storages.delete(id);
    else pool.storages.add(id);
  }
}

function remove(call: Call): void {
  const { poolid = '' } = call.params;
  const pool = need(call, poolid);
  const [vm] = [...pool.vms].filter((vmid) => call.state.vms.has(vmid));
  if (vm !== undefined)
    die(`delete pool failed: pool '${poolid}' is not empty (contains VM ${vm})`);
  call.state.pools.delete(poolid);
}

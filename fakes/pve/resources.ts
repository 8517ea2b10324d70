import type { Call } from './call.ts';
import { may } from './rights.ts';
import type { Node, State } from './state.ts';
import { haOf } from './status.ts';
import { availableBytes } from './storage.ts';

export function resources(call: Call): object[] {
  const { state, params } = call;
  const all: Record<string, () => object[]> = {
    vm: () => [...vmResources(call), ...containerResources(call)],
    node: () =>
      [...state.nodes.values()].map((node) => ({ ...nodeResource(call, node), 'cgroup-mode': 2 })),
    storage: () => storageResources(call),
    sdn: () => sdnResources(call),
    pool: () => poolResources(call),
  };
  const wanted = params['type'] === undefined ? Object.keys(all) : [params['type']];
  return wanted.flatMap((kind) => all[kind]?.() ?? []);
}

/**
 * Node and lock are known at once, everything else only since the last broadcast. The pool is hidden
 * without a right of its own.
 */
function vmResources({ state, caller }: Call): object[] {
  const pools = [...state.pools].filter(([id]) =>
    may(state, caller, `/pool/${id}`, ['Pool.Audit']),
  );
  return [...state.vms.values()]
    .filter(({ vmid }) => may(state, caller, `/vms/${vmid}`, ['VM.Audit']))
    .map((vm) => {
      const { vmid, node } = vm;
      const lock = vm.config.get('lock');
      const pool = pools.find(([, { vms }]) => vms.has(vmid))?.[0];
      const ha = haOf(state, vmid);
      const told = state.broadcasts.get(vmid)?.figures;
      return {
        ...(told ?? { status: 'unknown' }),
        ...{ id: `qemu/${vmid}`, type: 'qemu', vmid, node },
        ...(lock === undefined ? {} : { lock }),
        ...(pool === undefined ? {} : { pool }),
        ...(ha['state'] === undefined ? {} : { hastate: ha['state'] }),
      };
    });
}

function containerResources({ state, caller }: Call): object[] {
  return [...state.containers]
    .filter(([vmid]) => may(state, caller, `/vms/${vmid}`, ['VM.Audit']))
    .map(([vmid, { node }]) => ({
      ...{ id: `lxc/${vmid}`, type: 'lxc', vmid, node, status: 'stopped' },
    }));
}

export function nodeResource({ state, caller }: Call, node: Node): object {
  const seen = may(state, caller, `/nodes/${node.name}`, ['Sys.Audit']);
  const figures = seen && node.online ? figuresOf(state, node) : {};
  return {
    ...{ id: `node/${node.name}`, type: 'node', node: node.name, level: '' },
    ...{ status: node.online ? (node.unheard === true ? 'unknown' : 'online') : 'offline' },
    ...(seen ? { maxcpu: node.cpus, maxmem: node.totalMemory, maxdisk: 270_553_174_016 } : {}),
    ...figures,
  };
}

export function memoryUsed(state: State, node: Node): number {
  const running = [...state.vms.values()].filter(
    (vm) => vm.node === node.name && vm.power === 'running',
  );
  const used = running.map((vm) => vm.memoryUsed ?? 64 * 2 ** 20);
  return node.otherMemory + used.reduce((sum, bytes) => sum + bytes, 0);
}

function figuresOf(state: State, node: Node): object {
  const uptime = Math.floor((state.clock.now() - node.startedAt) / 1000) + 2700;
  return { cpu: 0.05, mem: memoryUsed(state, node), disk: 36_424_159_232, uptime };
}

function storageResources({ state, caller }: Call): object[] {
  const visible = [...state.storages.values()].filter(({ id }) =>
    may(state, caller, `/storage/${id}`, ['Datastore.Audit']),
  );
  return visible.flatMap((storage) =>
    [...state.nodes.keys()]
      .filter((node) => storage.nodes?.includes(node) !== false && !storage.disabled)
      .map((node) => ({
        ...{ id: `storage/${node}/${storage.id}`, type: 'storage', node, storage: storage.id },
        ...{ shared: storage.shared ? 1 : 0, plugintype: storage.type },
        content: storage.content.join(','),
        status: storage.mounted ? 'available' : 'unknown',
        maxdisk: storage.totalBytes,
        disk: storage.totalBytes - availableBytes(state, storage, node),
      })),
  );
}

function poolResources({ state, caller }: Call): object[] {
  return [...state.pools.keys()]
    .filter((pool) => may(state, caller, `/pool/${pool}`, ['Pool.Audit']))
    .map((pool) => ({ id: `/pool/${pool}`, type: 'pool', pool }));
}

/** 9.x calls the rows `network`, and shows them only where no type is asked for. */
function sdnResources({ state, caller, params }: Call): object[] {
  const is9 = state.version === '9.1';
  if (is9 && params['type'] !== undefined) return [];
  const zones = ['localnetwork', ...state.sdn.running.zones.keys()];
  return [...state.nodes.keys()].flatMap((node) =>
    zones
      .filter((zone) => may(state, caller, `/sdn/zones/${zone}`, ['SDN.Audit']))
      .map((zone) => sdnRow(is9, node, zone)),
  );
}

function sdnRow(is9: boolean, node: string, zone: string): object {
  if (!is9) {
    return { id: `sdn/${node}/${zone}`, type: 'sdn', node, sdn: zone, status: 'available' };
  }
  return {
    ...{ id: `network/${node}/zone/${zone}`, type: 'network', node, network: zone },
    ...{ 'network-type': 'zone', status: 'available' },
  };
}

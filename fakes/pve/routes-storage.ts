import type { Call, Routes } from './call.ts';
import { badParameters } from './errors.ts';
import { splitList } from './formats.ts';
import { parseSize } from './property-string.ts';
import { may } from './rights.ts';
import {
  changeVolume,
  content,
  deleteVolume,
  download,
  showVolume,
  upload,
} from './routes-volumes.ts';
import type { Node, State, Storage } from './state.ts';
import { allocate, availableBytes, storageOf, usedBytes, volumeId } from './storage.ts';

const base = '/nodes/{node}/storage/{storage}';

export const storageRoutes: Routes = {
  'GET /storage': ({ state, caller }) =>
    [...state.storages.values()].filter(({ id }) => visible(state, caller, id)).map(configOf),
  'GET /storage/{storage}': ({ state, params }) =>
    configOf(storageOf(state, params['storage'] ?? '')),
  'GET /nodes/{node}/storage': list,
  [`GET ${base}`]: () => ['content', 'status', 'upload'].map((subdir) => ({ subdir })),
  [`GET ${base}/status`]: (call) => {
    const storage = call.state.storages.get(call.params['storage'] ?? '');
    if (storage === undefined) return badParameters({ storage: 'No such storage.' });
    const {
      storage: _storage,
      used_fraction: _fraction,
      ...rest
    } = stateOf(call.state, storage, call.node);
    return rest;
  },
  [`GET ${base}/content`]: content,
  [`POST ${base}/content`]: (call) => {
    const { state, node, params } = call;
    const { storage = '', filename = '', size = '0', vmid } = params;
    const kind = filename.replace(/^vm-\d+-/, '').replace(/\.\w+$/, '');
    const bytes = parseSize(/[MG]$/.test(size) ? size : `${size}K`);
    const order = { storage, node: node.name, vmid: Number(vmid), size: bytes, kind };
    const { format } = params;
    return volumeId(allocate(state, { ...order, ...(format === undefined ? {} : { format }) }));
  },
  [`GET ${base}/content/{volume}`]: showVolume,
  [`PUT ${base}/content/{volume}`]: changeVolume,
  [`DELETE ${base}/content/{volume}`]: deleteVolume,
  [`POST ${base}/upload`]: upload,
  [`POST ${base}/download-url`]: download,
};

function visible(state: State, caller: Call['caller'], id: string): boolean {
  return may(state, caller, `/storage/${id}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
}

function configOf(storage: Storage): object {
  const { id, type, content: kinds, shared, nodes, disabled, path } = storage;
  return {
    ...{ storage: id, type, content: kinds.join(','), digest: '0'.repeat(40) },
    ...(type === 'dir' || type === 'nfs' ? { path } : {}),
    ...(shared ? { shared: 1 } : {}),
    ...(disabled ? { disable: 1 } : {}),
    ...(nodes === undefined ? {} : { nodes: nodes.join(',') }),
  };
}

function enabledOn(storage: Storage, node: string): boolean {
  return !storage.disabled && storage.nodes?.includes(node) !== false;
}

function stateOf(state: State, storage: Storage, node: Node): Record<string, unknown> {
  const enabled = enabledOn(storage, node.name);
  const active = enabled && storage.mounted;
  const total = active ? storage.totalBytes : 0;
  const used = active ? usedBytes(state, storage, node.name) : 0;
  const avail = active ? availableBytes(state, storage, node.name) : 0;
  return {
    ...{ storage: storage.id, type: storage.type, content: storage.content.join(',') },
    ...{ shared: storage.shared ? 1 : 0, enabled: enabled ? 1 : 0, active: active ? 1 : 0 },
    ...{ total, used, avail },
    ...(active ? { used_fraction: used / total } : {}),
  };
}

function list({ state, caller, node, params }: Call): object[] {
  const kinds = splitList(params['content'] ?? '');
  const { target, storage: wanted } = params;
  return [...state.storages.values()]
    .filter(({ id }) => visible(state, caller, id) && (wanted === undefined || wanted === id))
    .filter((one) => kinds.length === 0 || kinds.some((kind) => one.content.includes(kind)))
    .filter((one) => params['enabled'] !== '1' || enabledOn(one, node.name))
    .filter(
      (one) =>
        target === undefined || (one.shared && enabledOn(one, target)) || enabledOn(one, target),
    )
    .map((one) => stateOf(state, one, node));
}

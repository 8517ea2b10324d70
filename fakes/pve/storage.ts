import { badParameters, die } from './errors.ts';
import type { State, Storage, Volume } from './state.ts';

/** Which storages keep disks as files, in folders named after their VM. */
export function isFiles(storage: Storage): boolean {
  return storage.type === 'dir' || storage.type === 'nfs';
}

export function storageOf(state: State, id: string): Storage {
  return state.storages.get(id) ?? die(`storage '${id}' does not exist`);
}

/** The storage, if it is there, switched on and meant for the node. */
export function enabledStorage(state: State, id: string, node: string): Storage {
  const storage = storageOf(state, id);
  if (storage.disabled) die(`storage '${id}' is disabled`);
  if (storage.nodes !== undefined && !storage.nodes.includes(node)) {
    die(`storage '${id}' is not available on node '${node}'`);
  }
  return storage;
}

/** Ready to be used, its mount included. */
export function activeStorage(state: State, id: string, node: string): Storage {
  const storage = enabledStorage(state, id, node);
  if (!storage.mounted) {
    die(
      `unable to activate storage '${id}' - directory is expected to be a mount point but is not mounted: '${storage.path}'`,
    );
  }
  return storage;
}

export function demandImages(storage: Storage): void {
  if (storage.content.includes('images')) return;
  badParameters({ storage: `storage '${storage.id}' does not support vm images` });
}

/** `tank:100/vm-100-disk-0.qcow2` in its two parts. */
export function splitVolumeId(volid: string): readonly [storage: string, name: string] {
  const at = volid.indexOf(':');
  return [volid.slice(0, at), volid.slice(at + 1)];
}

export function volumeId({ storage, name }: Volume): string {
  return `${storage}:${name}`;
}

/** The volumes a node sees, shared ones included. */
export function volumesOn(state: State, storage: string, node: string): Volume[] {
  return [...state.volumes].filter(
    (volume) => volume.storage === storage && (volume.node === undefined || volume.node === node),
  );
}

export function findVolume(state: State, volid: string, node: string): Volume | undefined {
  const [storage, name] = splitVolumeId(volid);
  return volumesOn(state, storage, node).find((volume) => volume.name === name);
}

/** The volume, after its storage has been found to be usable. */
export function needVolume(state: State, volid: string, node: string): Volume {
  activeStorage(state, splitVolumeId(volid)[0], node);
  return findVolume(state, volid, node) ?? die(`volume '${volid}' does not exist`);
}

/** Where a file of that kind lies, as task logs show it. */
export function pathOf(storage: Storage, name: string): string {
  const plain = name.replace(/^\d+\/base-\d+-[^/]*\//, '');
  const folder = plain.startsWith('iso/') ? `template/${plain}` : `images/${plain}`;
  return `${storage.path}/${plain.startsWith('backup/') ? plain.replace('backup', 'dump') : folder}`;
}

export interface NewVolume {
  readonly storage: string;
  readonly node: string;
  readonly vmid: number;
  readonly size: number;
  readonly used?: number;
  readonly data?: string | undefined;
  readonly format?: string;
  /** `disk` unless it is a state, a cloud-init drive or the like. */
  readonly kind?: string;
  /** The base volume of a linked clone. */
  readonly parent?: string;
}

/** Takes the next free name of a VM on a storage and keeps the volume there. */
export function allocate(state: State, order: NewVolume): Volume {
  const storage = activeStorage(state, order.storage, order.node);
  const format = formatOn(storage, order.format);
  const volume: Volume = {
    storage: storage.id,
    ...(storage.shared ? {} : { node: order.node }),
    name: freeName(state, storage, order, format),
    vmid: order.vmid,
    content: 'images',
    format,
    size: order.size,
    used: order.used ?? 331_776,
    data: order.data ?? '',
    ctime: Math.floor(state.clock.now() / 1000),
    snapshots: new Map(),
    // A thin volume does not say what it was made from: its base can be removed.
    ...(order.parent === undefined || storage.type === 'lvmthin' ? {} : { parent: order.parent }),
  };
  state.volumes.add(volume);
  return volume;
}

function formatOn(storage: Storage, wanted: string | undefined): string {
  return isFiles(storage) ? (wanted ?? 'raw') : 'raw';
}

function freeName(state: State, storage: Storage, order: NewVolume, format: string): string {
  const { vmid, kind = 'disk', parent } = order;
  const taken = new Set(
    volumesOn(state, storage.id, order.node).map(({ name }) => name.split('/').at(-1)),
  );
  for (let index = 0; ; index += 1) {
    const stem = kind === 'disk' ? `vm-${vmid}-disk-${index}` : `vm-${vmid}-${kind}`;
    const file = isFiles(storage) ? `${stem}.${format}` : stem;
    if (kind === 'disk' && taken.has(file)) continue;
    const own = isFiles(storage) ? `${vmid}/${file}` : file;
    return parent !== undefined && storage.type !== 'lvmthin' ? `${parent}/${own}` : own;
  }
}

export function free(state: State, volume: Volume): void {
  state.volumes.delete(volume);
}

/** The clones that still need a base volume. */
export function linkedClonesOf(state: State, base: Volume): Volume[] {
  return [...state.volumes].filter(
    ({ storage, parent }) => storage === base.storage && parent === base.name,
  );
}

export function usedBytes(state: State, storage: Storage, node: string): number {
  const volumes = volumesOn(state, storage.id, node);
  return storage.otherBytes + volumes.reduce((sum, { used }) => sum + used, 0);
}

export function availableBytes(state: State, storage: Storage, node: string): number {
  return Math.max(0, storage.totalBytes - usedBytes(state, storage, node));
}

/** Whether a volume can be snapshotted where it lies. */
export function canSnapshot(storage: Storage, volume: Volume): boolean {
  if (isFiles(storage)) return volume.format === 'qcow2';
  return storage.type !== 'lvm';
}

/** Whether linked clones can be made of a base volume there. */
export function canLink(storage: Storage, volume: Volume): boolean {
  const base = volume.name.split('/').at(-1)?.startsWith('base-') === true;
  return base && storage.type !== 'lvm';
}

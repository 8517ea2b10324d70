import { defaultBoot, disksOf } from './drives.ts';
import { copyGuest, newVm, randomId, randomMac } from './machines.ts';
import { parseNet, parseSize, printNet } from './property-string.ts';
import type { Config, Guest, State, Vm } from './state.ts';
import { tell } from './status.ts';
import { isFiles, splitVolumeId, storageOf } from './storage.ts';

/** A VM that is simply there, as if an administrator had made it long ago. */
export interface Planting {
  readonly vmid: number;
  readonly node?: string;
  readonly name?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly template?: boolean;
  /** Stopped unless said otherwise. */
  readonly power?: 'running' | 'stopped';
  readonly pool?: string;
  /** Where its disk lies; `local-lvm` or the first storage for images. */
  readonly storage?: string;
  readonly format?: 'raw' | 'qcow2';
  /** `8G` and the like; null for a VM without a disk. */
  readonly disk?: string | null;
  /** Without memory, NIC and the like, as `vmid` and `name` alone make it. */
  readonly minimal?: boolean;
  /** Bytes of the disk that hold something. */
  readonly diskUsed?: number;
  /** Further options, or others than those made here. */
  readonly config?: Readonly<Record<string, string | number>>;
  readonly guest?: Partial<Guest>;
}

/** Puts a VM and its disk into the cluster; its name and status are known everywhere at once. */
export function plantVm(state: State, planting: Planting): Vm {
  const { vmid, node = [...state.nodes.keys()][0] ?? 'pve1', template = false } = planting;
  const vm = newVm(state, vmid, node, new Map());
  const { name, description, tags, disk = '4G' } = planting;
  set(vm.config, { name, description, tags, template: template ? '1' : undefined });
  if (planting.minimal !== true) {
    set(vm.config, { memory: '512', ostype: 'l26', scsihw: 'virtio-scsi-pci' });
    set(vm.config, { net0: 'virtio,bridge=vmbr0' });
  }
  set(vm.config, { smbios1: `uuid=${randomId()}`, vmgenid: randomId() });
  set(vm.config, { meta: `creation-qemu=7.2.0,ctime=${Math.floor(state.clock.now() / 1000)}` });
  if (disk !== null) vm.config.set('scsi0', plantDisk(state, planting, node, disk));
  set(vm.config, { ...planting.config });
  giveMacs(vm.config);
  if (!vm.config.has('boot')) vm.config.set('boot', defaultBoot(vm.config));
  Object.assign(vm.guest, copyGuest({ ...state.guest, ...planting.guest }));
  if (planting.power === 'running') {
    // Long enough ago for its agent to answer.
    const startedAt = state.clock.now() - vm.guest.bootMs;
    Object.assign(vm, { power: 'running', qmp: 'running', startedAt, pid: vmid + 1000 });
  }
  state.vms.set(vmid, vm);
  if (planting.pool !== undefined) poolOf(state, planting.pool).vms.add(vmid);
  tell(state, vm);
  return vm;
}

function set(config: Config, options: Readonly<Record<string, string | number | undefined>>): void {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined) config.set(option, String(value));
  }
}

function giveMacs(config: Config): void {
  for (const [option, value] of config) {
    if (!/^net\d+$/.test(option)) continue;
    const net = parseNet(value);
    config.set(option, printNet({ ...net, macaddr: net['macaddr'] ?? randomMac() }));
  }
}

function poolOf(state: State, id: string): { readonly vms: Set<number> } {
  const pool = state.pools.get(id) ?? { vms: new Set<number>(), storages: new Set<string>() };
  state.pools.set(id, pool);
  return pool;
}

function plantDisk(state: State, planting: Planting, node: string, size: string): string {
  const { vmid, template = false, diskUsed = 300 * 2 ** 20 } = planting;
  const storage = storageOf(state, planting.storage ?? usualStorage(state));
  const format = isFiles(storage) ? (planting.format ?? 'qcow2') : 'raw';
  const stem = `${template ? 'base' : 'vm'}-${vmid}-disk-0`;
  const name = isFiles(storage) ? `${vmid}/${stem}.${format}` : stem;
  state.volumes.add({
    ...{ storage: storage.id, name, vmid, content: 'images', format, used: diskUsed },
    ...(storage.shared ? {} : { node }),
    size: parseSize(size),
    ctime: Math.floor(state.clock.now() / 1000),
    snapshots: new Map(),
  });
  return `${storage.id}:${name},size=${size}`;
}

function usualStorage(state: State): string {
  if (state.storages.has('local-lvm')) return 'local-lvm';
  const images = [...state.storages.values()].find(({ content }) => content.includes('images'));
  return images?.id ?? 'local';
}

/** The volumes a VM's configuration names that are really there; for tests that look for leftovers. */
export function volumesOfVm(state: State, vm: Vm): string[] {
  return disksOf(vm.config)
    .map(([, drive]) => drive.file)
    .filter((file) => {
      const [storage, name] = splitVolumeId(file);
      return [...state.volumes].some(
        (volume) => volume.storage === storage && volume.name === name,
      );
    });
}

import { isCloudInit, isDrive, newVolume, parseDrive } from './drives.ts';
import { die } from './errors.ts';
import { parseNet, printSize } from './property-string.ts';
import type { State, Vm } from './state.ts';
import { allocate, findVolume, free, isFiles, storageOf, volumeId } from './storage.ts';

/** Options that a running VM takes at once. */
const live =
  /^(name|description|tags|onboot|protection|startup|hookscript|shares|vmstatestorage|lock|cpulimit|cpuunits|balloon|ci\w+|nameserver|searchdomain|sshkeys|ipconfig\d+|net\d+|cloudinit|unused\d+|(scsi|virtio|ide|sata)\d+|boot)$/;

/**
 * Brings what waits into force: all of it while stopped, what can be plugged while running. A change that
 * a running guest does not take goes on waiting, and is answered as an error.
 */
export function applyPending(state: State, vm: Vm): Readonly<Record<string, string>> {
  const errors: Record<string, string> = {};
  const possible = (option: string): boolean => vm.power === 'stopped' || live.test(option);
  // IDE and SATA drives are neither plugged in nor pulled out while running; a CD in one is changed.
  const isFixed = (option: string): boolean =>
    vm.power !== 'stopped' && /^(ide|sata)\d+$/.test(option);
  for (const [option, value] of [...vm.pending]) {
    if (!possible(option) || (isFixed(option) && !vm.config.has(option))) continue;
    if (lacksBridge(state, vm, option, value)) {
      errors[option] = `hotplug problem - interface ${bridgeOf(value)} does not exist\n`;
      continue;
    }
    const plug = plugging(vm, option, value);
    if (plug === 'later') continue;
    if (plug === 'refused') {
      errors[option] = `hotplug problem - adding drive '${option}' failed\n`;
      continue;
    }
    replaceDrive(state, vm, option, value);
    if (bridgeOf(vm.config.get(option)) !== bridgeOf(value)) vm.loose?.delete(option);
    vm.config.set(option, value);
    vm.pending.delete(option);
  }
  for (const [option, force] of [...vm.pendingDelete]) {
    if (!possible(option) || isFixed(option)) continue;
    const plug = plugging(vm, option, vm.config.get(option) ?? '');
    if (plug === 'later') continue;
    if (plug === 'refused') {
      errors[option] = `hotplug problem - error on hot-unplugging device '${option}'\n`;
      continue;
    }
    removeOption(state, vm, option, force);
    vm.pendingDelete.delete(option);
  }
  return errors;
}

/** The fate of a disk on one of the buses that can be plugged while the machine runs. */
function plugging(vm: Vm, option: string, value: string): 'done' | 'later' | 'refused' {
  if (vm.power === 'stopped' || !/^(scsi|virtio)\d+$/.test(option)) return 'done';
  const old = vm.config.get(option);
  const isSame = old !== undefined && parseDrive(old).file === parseDrive(value).file;
  const stays = isSame && !vm.pendingDelete.has(option);
  if (stays || parseDrive(value)['media'] === 'cdrom') return 'done';
  if (!(vm.config.get('hotplug') ?? '1').split(/[,;]/).some((word) => /^(1|disk)$/.test(word))) {
    return 'later';
  }
  return vm.guest.plugsDisks ? 'done' : 'refused';
}

/** Whether a NIC of a running VM cannot be plugged in: the node has no such bridge. */
function lacksBridge(state: State, vm: Vm, option: string, value: string): boolean {
  if (!/^net\d+$/.test(option) || vm.power === 'stopped') return false;
  const bridge = bridgeOf(value);
  const node = state.nodes.get(vm.node);
  if (bridge === undefined || node === undefined) return false;
  return !node.bridges.has(bridge) && !node.sdn.bridges.has(bridge);
}

function bridgeOf(net: string | undefined): string | undefined {
  return net === undefined ? undefined : parseNet(net)['bridge'];
}

/** A disk that gives way to another one stays as `unusedN`. */
function replaceDrive(state: State, vm: Vm, option: string, value: string): void {
  if (!isDrive(option)) return;
  const { file } = parseDrive(value);
  for (const [other, volume] of vm.config) {
    // A volume that is used again is not unused any more.
    if (/^unused\d+$/.test(other) && volume === file) vm.config.delete(other);
  }
  const old = vm.config.get(option);
  if (old !== undefined && parseDrive(old).file !== file) keepUnused(state, vm, old, false);
}

function removeOption(state: State, vm: Vm, option: string, force: boolean): void {
  const value = vm.config.get(option);
  vm.config.delete(option);
  if (value === undefined) return;
  if (isDrive(option)) keepUnused(state, vm, value, force);
  if (/^unused\d+$/.test(option)) freeFile(state, vm, value.split(',')[0] ?? '');
}

/** The VM's own disks are kept under another name; a cloud-init drive is thrown away. */
export function keepUnused(state: State, vm: Vm, value: string, force: boolean): void {
  const drive = parseDrive(value);
  const volume = findVolume(state, drive.file, vm.node);
  if (volume === undefined || volume.vmid !== vm.vmid) return;
  // A volume that a snapshot holds is never destroyed.
  if ((force && volume.snapshots.size === 0) || isCloudInit(drive)) {
    free(state, volume);
    return;
  }
  if (drive['media'] === 'cdrom') return;
  const isKept = [...vm.config].some(([o, file]) => /^unused\d+$/.test(o) && file === drive.file);
  for (let index = 0; !isKept; index += 1) {
    if (vm.config.has(`unused${index}`)) continue;
    vm.config.set(`unused${index}`, drive.file);
    return;
  }
}

function freeFile(state: State, vm: Vm, file: string): void {
  const volume = findVolume(state, file, vm.node);
  if (volume !== undefined && volume.vmid === vm.vmid) free(state, volume);
}

export interface Made {
  readonly value: string;
  readonly log: readonly string[];
}

/** Makes the volume that a drive asks for; others only get their size. */
export function makeDrive(
  state: State,
  place: { readonly node: string; readonly vmid: number },
  option: string,
  text: string,
): Made {
  const drive = parseDrive(text);
  const wanted = newVolume(drive);
  if (wanted === undefined) return { value: withSize(state, place.node, text), log: [] };
  const { node, vmid } = place;
  const { format, ['import-from']: source, ...rest } = drive;
  const storage = storageOf(state, wanted.storage);
  if (wanted.gib === 'cloudinit') {
    const kind = 'cloudinit';
    const qcow = { format: format ?? 'qcow2' };
    const made = allocate(state, {
      storage: storage.id,
      node,
      vmid,
      size: 4 * 2 ** 20,
      kind,
      ...qcow,
    });
    const size = isFiles(storage) ? '' : ',size=4M';
    return { value: `${volumeId(made)},media=cdrom${size}`, log: [] };
  }
  const imported = source === undefined ? undefined : findVolume(state, source, node);
  if (imported === undefined && !isFiles(storage) && (format ?? 'raw') !== 'raw') {
    die(`unsupported format '${format}'`);
  }
  const size = sizeOf(option, imported?.size ?? wanted.gib * 2 ** 30);
  const { used, data, format: usual } = imported ?? {};
  const filled = used === undefined ? {} : { used, data };
  const made = allocate(state, {
    storage: storage.id,
    node,
    vmid,
    size,
    ...filled,
    format: format ?? usual ?? 'raw',
  });
  const { file: _file, size: _size, ...others } = rest;
  const extras = Object.keys(others)
    .sort()
    .map((key) => `,${key}=${others[key]}`);
  const shown = `${volumeId(made)}${extras.join('')},size=${printSize(size)}`;
  return { value: sortedDrive(shown), log: logOf(state, option, made, shown) };
}

function sortedDrive(text: string): string {
  const [file = '', ...rest] = text.split(',');
  return [file, ...rest.sort()].join(',');
}

/** Firmware and TPM have a size of their own, not the one that is asked for. */
function sizeOf(option: string, bytes: number): number {
  if (option === 'efidisk0') return 528 * 1024;
  return option === 'tpmstate0' ? 4 * 2 ** 20 : bytes;
}

function logOf(
  state: State,
  option: string,
  made: ReturnType<typeof allocate>,
  shown: string,
): string[] {
  const done = `${option}: successfully created disk '${shown}'`;
  const storage = storageOf(state, made.storage);
  if (!isFiles(storage)) return [`  Logical volume "${made.name}" created.`, done];
  return [formatting(storage.path, made.name, made.format, made.size), done];
}

/** The output of qemu-img when it makes a file. */
export function formatting(
  path: string,
  name: string,
  format: string,
  size: number,
  more = '',
): string {
  const file = `${path}/images/${name.split('/').slice(-2).join('/')}`;
  return format === 'qcow2'
    ? `Formatting '${file}', fmt=qcow2 cluster_size=65536 extended_l2=off preallocation=metadata compression_type=zlib size=${size}${more} lazy_refcounts=off refcount_bits=16`
    : `Formatting '${file}', fmt=${format} size=${size} preallocation=off`;
}

/** An existing volume's size is written beside it. */
export function withSize(state: State, node: string, text: string): string {
  const drive = parseDrive(text);
  const volume = findVolume(state, drive.file, node);
  if (volume === undefined || drive['size'] !== undefined) return text;
  return sortedDrive(`${text},size=${printSize(volume.size)}`);
}

import { type Call, durationOf, fork, locked, vmidOf } from './call.ts';
import { formatting, keepUnused } from './config-apply.ts';
import { isCdrom, parseDrive, printDrive } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { checkLock, loadVm } from './machines.ts';
import { parseSize, printSize } from './property-string.ts';
import { demand } from './rights.ts';
import {
  allocate,
  demandImages,
  enabledStorage,
  free,
  isFiles,
  needVolume,
  storageOf,
  volumeId,
} from './storage.ts';

export function resize(call: Call): string {
  const { state, node, params } = call;
  const { disk = '', size = '' } = params;
  return fork(call, 'resize', vmidOf(call), (worker) =>
    locked(call, vmidOf(call), worker, async () => {
      const vm = loadVm(state, vmidOf(call), node.name);
      checkLock(vm);
      const text = vm.config.get(disk) ?? die(`disk '${disk}' does not exist`);
      const drive = parseDrive(text);
      if (isCdrom(drive)) die("you can't resize a cdrom");
      const volume = needVolume(state, drive.file, node.name);
      const wanted = size.startsWith('+')
        ? volume.size + parseSize(size.slice(1))
        : parseSize(size);
      if (wanted < volume.size) die('shrinking disks is not supported');
      await worker.work(durationOf(state, 'resize'));
      if (isFiles(storageOf(state, volume.storage))) worker.log('Image resized.');
      volume.size = wanted;
      vm.config.set(disk, printDrive({ ...drive, size: printSize(wanted) }));
    }),
  );
}

export function moveDisk(call: Call): string {
  const { state, node, caller, params } = call;
  const { disk = '', storage } = params;
  const vm = loadVm(state, vmidOf(call), node.name);
  checkLock(vm);
  if (storage === undefined)
    badParameters({ storage: 'property is missing and it is not optional' });
  demand(state, caller, `/storage/${storage}`, ['Datastore.AllocateSpace']);
  const place = enabledStorage(state, storage ?? '', node.name);
  demandImages(place);
  const drive = parseDrive(vm.config.get(disk) ?? die(`disk '${disk}' does not exist`));
  if (isCdrom(drive)) die("you can't move a cdrom");
  const from = needVolume(state, drive.file, node.name);
  if (from.storage === place.id && (params['format'] ?? from.format) === from.format) {
    die("you can't move to the same storage with same format");
  }
  if (from.snapshots.size > 0 && params['delete'] === '1') {
    die("you can't move a disk with snapshots and delete the source");
  }
  return fork(call, 'qmmove', vm.vmid, (worker) =>
    locked(call, vm.vmid, worker, async () => {
      worker.log(`create full clone of drive ${disk} (${drive.file})`);
      const format = params['format'] ?? (isFiles(place) ? from.format : 'raw');
      const to = allocate(state, {
        ...{
          storage: place.id,
          node: node.name,
          vmid: vm.vmid,
          size: from.size,
          used: from.used,
          data: from.data,
        },
        format,
      });
      if (isFiles(place)) worker.log(formatting(place.path, to.name, format, to.size));
      await worker.work(durationOf(state, 'qmmove'));
      vm.config.set(disk, printDrive({ ...drive, file: volumeId(to) }));
      if (params['delete'] === '1') free(state, from);
      else keepUnused(state, vm, volumeId(from), false);
    }),
  );
}

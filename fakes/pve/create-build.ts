import type { Call } from './call.ts';
import { makeDrive } from './config-apply.ts';
import { normalised } from './config-change.ts';
import { defaultBoot, isDrive, newVolume, parseDrive } from './drives.ts';
import { die } from './errors.ts';
import { randomId } from './machines.ts';
import type { Vm, Volume } from './state.ts';
import { activeStorage, isFiles, needVolume, pathOf, storageOf } from './storage.ts';
import { tidyTags } from './tags.ts';
import type { Worker } from './worker.ts';

interface Making {
  readonly worker: Worker;
  /** The volumes that have to go again when a step fails. */
  readonly made: Volume[];
}

export function build(
  call: Call,
  vm: Vm,
  own: Readonly<Record<string, string>>,
  { worker, made }: Making,
): void {
  const { state, node } = call;
  const config = new Map<string, string>();
  const failed = `unable to create VM ${vm.vmid} - `;
  for (const [option, value] of Object.entries(own).sort()) {
    if (!isDrive(option)) {
      config.set(option, option === 'tags' ? tidyTags(state, value) : normalised(option, value));
      continue;
    }
    try {
      checkDrive(call, vm.vmid, value, worker);
      const place = { node: node.name, vmid: vm.vmid };
      const before = new Set(state.volumes);
      const drive = makeDrive(state, place, option, value);
      for (const volume of state.volumes) if (!before.has(volume)) made.push(volume);
      for (const line of drive.log) worker.log(line);
      config.set(option, drive.value);
    } catch (error) {
      die(`${failed}${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (!config.has('boot')) config.set('boot', defaultBoot(config));
  config.set('meta', `creation-qemu=7.2.0,ctime=${Math.floor(state.clock.now() / 1000)}`);
  if (!config.has('smbios1')) config.set('smbios1', `uuid=${randomId()}`);
  if (!config.has('vmgenid')) config.set('vmgenid', randomId());
  vm.config = config;
}

/** Volumes have to be there, new ones have to fit into a file. */
function checkDrive({ state, node }: Call, vmid: number, value: string, worker: Worker): void {
  const drive = parseDrive(value);
  const wanted = newVolume(drive);
  if (wanted === undefined) {
    if (drive.file !== 'none' && drive.file !== 'cdrom') needVolume(state, drive.file, node.name);
    return;
  }
  const storage = activeStorage(state, wanted.storage, node.name);
  if (drive['import-from'] !== undefined) needVolume(state, drive['import-from'], node.name);
  if (wanted.gib === 'cloudinit') return;
  const bytes = wanted.gib * 2 ** 30;
  if (isFiles(storage) && bytes > 8 * 2 ** 53) {
    const file = pathOf(storageOf(state, storage.id), `${vmid}/vm-${vmid}-disk-0.raw`);
    worker.log(`Formatting '${file}', fmt=raw size=${BigInt(bytes)} preallocation=off`);
    die(
      `unable to create image: qemu-img: ${file}: The image size is too large for file format 'raw'`,
    );
  }
  if (!isFiles(storage) && storage.type === 'lvm' && bytes > storage.totalBytes) {
    die(
      `lvcreate '${storage.id}/vm-${vmid}-disk-0' error:   Volume group has insufficient free space`,
    );
  }
}

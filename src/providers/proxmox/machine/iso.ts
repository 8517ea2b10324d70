import type { SizedInstance } from '../../../contract/instance.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { hardwareChange } from './hardware.ts';

/** As the built-in extension has it. */
const usual = { storage: 'local-lvm', sizeGb: 64, cpu: 'x86-64-v2-AES' };

export function rootStorage({ storage }: Blueprint): string {
  return storage ?? usual.storage;
}

export function sizeGb({ disk_size_gb }: Blueprint): number {
  return disk_size_gb ?? usual.sizeGb;
}

/** All options of a machine with an empty disk that boots from an ISO image. */
export function isoOptions(
  settings: Settings,
  instance: SizedInstance,
  blueprint: Blueprint,
): Readonly<Record<string, string>> {
  const { cpu_type, onboot, guest_agent } = settings;
  return {
    ...hardwareChange(settings, instance, {}).set,
    cores: String(instance.cpus),
    sockets: '1',
    cpu: cpu_type ?? usual.cpu,
    ostype: blueprint.iso_os_type,
    scsihw: 'virtio-scsi-single',
    scsi0: `${rootStorage(blueprint)}:${sizeGb(blueprint)}`,
    ide2: `${blueprint.iso_path ?? 'none'},media=cdrom`,
    boot: 'order=scsi0;ide2',
    onboot: onboot ? '1' : '0',
    ...(guest_agent === undefined ? {} : { agent: guest_agent ? '1' : '0' }),
    ...firmwareOptions(settings, instance, blueprint),
  };
}

function firmwareOptions(
  { firmware, machine, tpm }: Settings,
  { boot }: SizedInstance,
  blueprint: Blueprint,
): Readonly<Record<string, string>> {
  const storage = rootStorage(blueprint);
  const kind = firmware ?? (boot?.firmware === 'uefi' ? 'ovmf' : 'seabios');
  const secure = blueprint.secure_boot ?? boot?.secure ?? false;
  return {
    ...(machine === undefined ? {} : { machine }),
    ...(kind === 'seabios'
      ? {}
      : { bios: kind, efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=${secure ? 1 : 0}` }),
    ...(tpm ? { tpmstate0: `${storage}:1,version=v2.0` } : {}),
  };
}

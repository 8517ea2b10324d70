import type { SizedInstance } from '../../../contract/instance.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import type { Config } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { type ClusterResources, checkStorage } from './capacity.ts';
import { hardwareChange } from './config.ts';
import { formatOn } from './disks.ts';
import type { Session } from './session.ts';

/** How the machine is made, decided and checked before anything is. */
export interface Build {
  readonly kind: 'clone' | 'iso';
  /** The nodes that the machine is on while and after it is made. */
  readonly places: readonly string[];
  /** Makes it with this description and answers its options; `begun` gets the task. */
  make(
    { vmid, description }: { readonly vmid: number; readonly description: string },
    begun: (task: string) => void,
  ): Promise<Config>;
}

/** A machine with an empty disk that boots from an ISO image. */
export async function planIso(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: ClusterResources,
): Promise<Build> {
  const { node, pool } = session.settings;
  const storage = rootStorage(blueprint);
  const gib = sizeGb(blueprint);
  checkStorage(session.settings, found.storages, { node, storage, sizeBytes: gib * 1024 ** 3 });
  const format = formatOn(session.settings, found.storages, storage);
  return {
    kind: 'iso',
    places: [node],
    async make({ vmid, description }, begun) {
      const options = isoOptions(session.settings, instance, blueprint, format);
      await run(session, {
        path: path`/nodes/${node}/qemu`,
        params: {
          vmid,
          name: nameFor(instance, blueprint),
          description,
          ...options,
          ...(pool === undefined ? {} : { pool }),
        },
        what: `make machine ${vmid} on ${node}`,
        doing: `making the disk of machine ${vmid}`,
        takenBack: true,
        begun,
      });
      // The disk has that size now, so that it need not grow.
      const scsi0 = `${options['scsi0']},size=${gib}G`;
      return { ...options, scsi0, description };
    },
  };
}

/** Proxmox VE takes DNS names only; the mark keeps the instance's own. */
export function nameFor({ name }: SizedInstance, { vm_name }: Blueprint): string {
  if (vm_name !== undefined) return vm_name;
  const labels = name.split('.').map((label) =>
    label
      .replace(/[^A-Za-z0-9-]/g, '-')
      .slice(0, 63)
      .replace(/^-+|-+$/g, ''),
  );
  return labels.filter((label) => label !== '').join('.') || 'instance';
}

// ---- from an ISO image ----

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
  format: Settings['disk_format'] | undefined,
): Readonly<Record<string, string>> {
  const { cpu_type, onboot, guest_agent } = settings;
  const as = format === undefined ? '' : `,format=${format}`;
  return {
    ...hardwareChange(settings, instance, {}).set,
    cores: String(instance.cpus),
    sockets: '1',
    cpu: cpu_type ?? usual.cpu,
    ostype: blueprint.iso_os_type,
    scsihw: 'virtio-scsi-single',
    scsi0: `${rootStorage(blueprint)}:${sizeGb(blueprint)}${as}`,
    ide2: `${blueprint.iso_path ?? 'none'},media=cdrom`,
    boot: 'order=scsi0;ide2',
    onboot: onboot ? '1' : '0',
    ...(guest_agent === undefined ? {} : { agent: guest_agent ? '1' : '0' }),
    ...firmwareOptions(settings, instance, blueprint, as),
  };
}

function firmwareOptions(
  { firmware, machine, tpm }: Settings,
  { boot }: SizedInstance,
  blueprint: Blueprint,
  as: string,
): Readonly<Record<string, string>> {
  const storage = rootStorage(blueprint);
  const kind = firmware ?? (boot?.firmware === 'uefi' ? 'ovmf' : 'seabios');
  const secure = blueprint.secure_boot ?? boot?.secure ?? false;
  return {
    ...(machine === undefined ? {} : { machine }),
    ...(kind === 'seabios'
      ? {}
      : {
          bios: kind,
          efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=${secure ? 1 : 0}${as}`,
        }),
    ...(tpm ? { tpmstate0: `${storage}:1,version=v2.0` } : {}),
  };
}

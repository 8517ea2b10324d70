import type { Undo } from '../../../contract/context.ts';
import { path } from '../../../kit/http/address.ts';
import { cancel } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { StorageRow } from './capacity.ts';
import type { Machine } from './machine.ts';
import type { Session } from './session.ts';

/** A disk of a machine, as its configuration shows it. */
export interface Disk {
  /** `scsi0` and the like. */
  readonly key: string;
  /** `storage:volume` */
  readonly volume: string;
  readonly storage: string;
  readonly sizeBytes: number;
}

const diskKey = /^(scsi|virtio|sata|ide)\d+$/;

/** All disks, CD drives and the drive of cloud-init left out. */
export function disksOf(config: Config): readonly Disk[] {
  return Object.entries(config)
    .filter(([key, value]) => diskKey.test(key) && !isRemovable(value))
    .map(([key, value]) => diskOf(key, value))
    .sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
}

/** The disk that the machine boots from, which is the one that an instance's size is about. */
export function rootDisk(config: Config): Disk | undefined {
  const disks = disksOf(config);
  const order = /order=([^,]*)/.exec(config['boot'] ?? '')?.[1]?.split(';') ?? [];
  const first = [...order, config['bootdisk'] ?? '', 'scsi0', 'virtio0', 'sata0', 'ide0']
    .map((key) => disks.find((disk) => disk.key === key))
    .find((disk) => disk !== undefined);
  return first ?? disks.find(({ key }) => !/,serial=data\d+-/.test(config[key] ?? ''));
}

function diskOf(key: string, value: string): Disk {
  const [volume = '', ...options] = value.split(',');
  const size = options.find((option) => option.startsWith('size='))?.slice(5) ?? '';
  return { key, volume, storage: storageOf(volume), sizeBytes: bytesOf(size) };
}

export function storageOf(volume: string): string {
  return volume.split(':')[0] ?? '';
}

function isRemovable(value: string): boolean {
  return /(^|,)media=cdrom(,|$)/.test(value) || isCloudInit(value);
}

export function isCloudInit(value: string): boolean {
  return /^[^,]*[:/-]cloudinit\b/.test(value);
}

/** An image of ours that tells a guest its data: see guest/seed-names.ts. */
export function isSeed(value: string): boolean {
  return /^[^,:]+:iso\/outrigger-[a-z0-9]{8}-[0-9a-f]{8}-[0-9a-f-]+\.iso\b/.test(value);
}

/** Whether a guest would find data for cloud-init on the drive. */
export function tellsGuest(value: string): boolean {
  return isCloudInit(value) || isSeed(value);
}

/** The drive for images, which those with data for the guest are not. */
export function cdDrive(config: Config): string | undefined {
  return Object.keys(config)
    .sort()
    .find((key) => {
      const value = config[key] ?? '';
      return /^(ide|sata|scsi)\d+$/.test(key) && /media=cdrom/.test(value) && !tellsGuest(value);
    });
}

export function freeIde(config: Config): string | undefined {
  return ['ide2', 'ide0', 'ide1', 'ide3'].find((key) => config[key] === undefined);
}

/** Storages that keep disks as files; all others take raw disks only, and snapshot those themselves. */
const keepingFiles = new Set(['dir', 'nfs', 'cifs', 'glusterfs']);

/** The format for a new disk; `undefined` where there is no choice, or the type cannot be seen. */
export function formatOn(
  { disk_format }: Pick<Settings, 'disk_format'>,
  storages: readonly StorageRow[],
  storage: string,
): Settings['disk_format'] | undefined {
  const type = storages.find((row) => row.storage === storage)?.type ?? '';
  return keepingFiles.has(type) ? disk_format : undefined;
}

const units: Readonly<Record<string, number>> = {
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

export function bytesOf(size: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)([KMGT]?)$/.exec(size) ?? [];
  return Number(number) * (units[unit] ?? 1);
}

export interface Growing {
  /** The root disk by default. */
  readonly disk?: Disk;
  /** Given where the growing is stopped when the action fails. */
  readonly undo?: Undo;
}

/** Grows a disk; a larger one stays as it is. */
export async function growDisk(
  session: Session,
  { vmid, node, config }: Pick<Machine, 'vmid' | 'node' | 'config'>,
  sizeGb: number | undefined,
  { disk = rootDisk(config), undo }: Growing = {},
): Promise<void> {
  if (sizeGb === undefined || disk === undefined) return;
  if (sizeGb * 1024 ** 3 <= disk.sizeBytes) return;
  await run(session, {
    method: 'PUT',
    path: path`/nodes/${node}/qemu/${vmid}/resize`,
    params: { disk: disk.key, size: `${sizeGb}G` },
    what: `grow disk ${disk.key} of machine ${vmid}`,
    doing: `growing the disk of machine ${vmid}`,
    ...(undo === undefined ? {} : { takenBack: true }),
    begun: (task) =>
      undo?.add(`stop growing the disk of machine ${vmid}`, (deadline) =>
        cancel(session.at(deadline), task),
      ),
  });
}

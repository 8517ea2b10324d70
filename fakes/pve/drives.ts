import { type Properties, parseProperties, printProperties } from './property-string.ts';
import type { Config } from './state.ts';

const driveName = /^(ide[0-3]|sata[0-5]|scsi\d+|virtio\d+|efidisk0|tpmstate0)$/;

export function isDrive(option: string): boolean {
  return driveName.test(option);
}

export interface Drive extends Properties {
  file: string;
}

export function parseDrive(text: string): Drive {
  const properties = parseProperties(text, 'file');
  return { ...properties, file: properties['file'] ?? properties['volume'] ?? '' };
}

export function printDrive(drive: Drive): string {
  return printProperties(drive, 'file');
}

export function isCdrom(drive: Drive): boolean {
  return drive['media'] === 'cdrom';
}

/** A cloud-init drive is a CD-ROM that Proxmox makes itself. */
export function isCloudInit(drive: Drive): boolean {
  return isCdrom(drive) && /(^|[/:])vm-\d+-cloudinit(\.\w+)?$/.test(drive.file);
}

/** `tank:8` and `tank:cloudinit` ask for a new volume. */
export function newVolume(
  drive: Drive,
): { readonly storage: string; readonly gib: number | 'cloudinit' } | undefined {
  const match = /^([^:/\s]+):(\d+(?:\.\d+)?|cloudinit)$/.exec(drive.file);
  if (match === null) return undefined;
  const [, storage = '', size = ''] = match;
  return { storage, gib: size === 'cloudinit' ? 'cloudinit' : Number(size) };
}

/** The drives of a configuration in the order of their names, sorted as Perl sorts them. */
export function drivesOf(config: Config): (readonly [name: string, drive: Drive])[] {
  return [...config]
    .filter(([option]) => isDrive(option))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([option, value]) => [option, parseDrive(value)] as const);
}

/** The disks alone: what is copied, counted and snapshotted. */
export function disksOf(config: Config): (readonly [name: string, drive: Drive])[] {
  return drivesOf(config).filter(([, drive]) => !isCdrom(drive));
}

/** First disk, first CD-ROM, first NIC: the drives that Proxmox boots from by default. */
export function defaultBoot(config: Config): string {
  const names = (['scsi', 'ide', 'sata', 'virtio'] as const).flatMap((bus) =>
    drivesOf(config).filter(([name]) => name.startsWith(bus)),
  );
  const disk = names.find(([, drive]) => !isCdrom(drive))?.[0];
  const cdrom = names.find(([, drive]) => isCdrom(drive) && !isCloudInit(drive))?.[0];
  const net = [...config.keys()].filter((option) => /^net\d+$/.test(option)).sort()[0];
  const devices = [disk, cdrom, net].filter((device) => device !== undefined);
  return devices.length === 0 ? ' ' : `order=${devices.join(';')}`;
}

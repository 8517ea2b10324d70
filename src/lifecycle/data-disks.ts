import * as v from 'valibot';
import type { Disk } from '../contract/disk.ts';
import { list, matchesAny } from '../kit/fields.ts';

/* The detail `data_disks`, and the numbers and serial numbers of data disks. */

export interface WantedDisk {
  readonly sizeGb: number;
  readonly storage?: string | undefined;
}

const entry = /^([1-9]\d{0,4})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,99}))?$/;

/** The data disks that an instance is made with. */
export const dataDisks = {
  about:
    'Data disks that the instance is made with: sizes in GiB, each followed by @STORAGE where it is not the usual one',
  schema: () =>
    v.pipe(
      list({ most: 30, pattern: entry, wants: 'sizes in GiB, such as 100 or 500@STORAGE' })(),
      v.transform((entries): readonly WantedDisk[] => entries.map(wantedIn)),
    ),
  example: '100,500@ceph-hdd',
} as const;

function wantedIn(text: string): WantedDisk {
  const [, size, storage] = entry.exec(text) ?? [];
  return { sizeGb: Number(size), storage };
}

export interface DiskLimits {
  readonly max_disks?: number;
  readonly max_disk_gb?: number | undefined;
  readonly allowed_storages?: readonly string[] | undefined;
}

/** Where the data disks go beyond the operator's limits, for a provider's `blueprintIssues`. */
export function dataDiskIssues(
  { data_disks: wanted = [] }: { readonly data_disks?: readonly WantedDisk[] | undefined },
  limits: DiskLimits,
): string[] {
  const { max_disks: most = 0 } = limits;
  const tooMany =
    wanted.length > most
      ? [`"data_disks" names ${wanted.length} disks, and the operator's "max_disks" is ${most}`]
      : [];
  const beyond = wanted.flatMap((disk) => limitBroken(disk, limits) ?? []);
  return [...tooMany, ...beyond.map((limit) => `"data_disks" is beyond the operator's "${limit}"`)];
}

/** The setting that one disk is beyond. */
export function limitBroken(
  { sizeGb, storage }: WantedDisk,
  { max_disk_gb: mostGb, allowed_storages: allowed }: DiskLimits,
): 'max_disk_gb' | 'allowed_storages' | undefined {
  if (mostGb !== undefined && sizeGb > mostGb) return 'max_disk_gb';
  if (storage === undefined || allowed === undefined || matchesAny(storage, allowed)) {
    return undefined;
  }
  return 'allowed_storages';
}

/** The lowest number that no disk has. */
export function freeNumber(disks: readonly Disk[]): number {
  const taken = new Set(disks.map(({ number }) => number));
  let number = 1;
  while (taken.has(number)) number += 1;
  return number;
}

/** 20 characters at most, as many as a guest is shown of a serial number. */
export function serialOf(uuid: string, number: number): string {
  return `data${number}-${uuid.replaceAll('-', '').slice(0, 12)}`;
}

/** The number in a serial number of this instance. */
export function numberIn(uuid: string, serial: string | undefined): number | undefined {
  const number = Number(/^data([1-9]\d?)-/.exec(serial ?? '')?.[1]);
  return serial === serialOf(uuid, number) ? number : undefined;
}

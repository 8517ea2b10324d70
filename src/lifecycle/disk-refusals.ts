import type { Disk } from '../contract/disk.ts';
import type { Policy } from '../contract/driver.ts';
import { Failure, type FailureKind } from '../failure.ts';
import { limitBroken, type WantedDisk } from './data-disks.ts';

/* The failures that the rules about disks end with. */

/** `name` stands for the operator only: it may say a storage. */
export function refused(kind: FailureKind, sentence: string, name?: string): Failure {
  const message = name === undefined ? sentence : `${sentence} (${name})`;
  return new Failure(kind, message, { tenant: sentence });
}

/** The disk by its name or its place; without either the one that the instance boots from. */
export function pick<D extends Disk>(disks: readonly D[], named: string | undefined): D {
  const found =
    named === undefined
      ? disks.find(({ root }) => root === true)
      : (disks.find(({ name }) => name === named) ?? disks.find(({ slot }) => slot === named));
  if (found !== undefined) return found;
  const names = disks.map(({ name, slot }) => (slot === undefined ? name : `${name} (${slot})`));
  const others = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  const what = named ?? 'to boot from';
  throw new Failure('not-found', `There is no disk ${what} of this instance; ${others}`, {
    tenant: 'There is no such disk of this instance; ListDisks shows those that there are',
  });
}

/** The limits of one disk; those of their number are `refuseNumber`. */
export function refuseLimit(
  { maxDiskGb, allowedStorages }: Policy,
  { sizeGb, storage }: WantedDisk,
): void {
  const limits = { max_disk_gb: maxDiskGb, allowed_storages: allowedStorages };
  const broken = limitBroken({ sizeGb, storage }, limits);
  if (broken === 'max_disk_gb') throw refused('denied', `A disk may have ${maxDiskGb} GiB at most`);
  if (broken === 'allowed_storages') {
    throw refused('denied', 'The operator does not allow this storage (allowed_storages)', storage);
  }
}

export function refuseNumber({ maxDisks = 0 }: Policy, disks: readonly Disk[]): void {
  const data = disks.filter(({ root }) => root !== true).length;
  if (data < maxDisks) return;
  throw refused('denied', `The instance has ${data} of at most ${maxDisks} data disks (max_disks)`);
}

export function alreadyLarger(bytes: number, wantedGb: number): Failure {
  const has = Math.ceil(bytes / 1024 ** 3);
  return refused('usage', `The disk has ${has} GiB and cannot be made smaller (${wantedGb} GiB)`);
}

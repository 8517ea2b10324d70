import type { Step } from '../contract/context.ts';
import type { Disk, DiskDriver, Disks } from '../contract/disk.ts';
import type { Machine } from '../contract/machine.ts';
import { Failure } from '../failure.ts';
import { freeNumber } from './data-disks.ts';

/** More than an instance may have disks, each of which is put right once. */
const mostChanges = 64;

/**
 * Puts data disks back where they were: something that brings back the configuration of another day
 * also brings back which disks were attached then, and parks those that are younger.
 */
export async function keepDisks(
  driver: DiskDriver,
  machine: Machine,
  before: readonly Disk[],
  step: Step,
): Promise<void> {
  for (let change = 0; change < mostChanges; change += 1) {
    const now = await driver.list(machine, step);
    // Places first: a disk of that day may be where one of today belongs.
    const done =
      (await detachOne(driver, machine, before, now, step)) ??
      (await attachOne(driver, machine, before, now, step));
    if (done === undefined) return;
  }
  throw new Failure(
    'conflict',
    `The disks of machine ${machine.remoteId} do not stay as they are put`,
    {
      advice: 'Look with ListDisks, and attach those that are to be attached',
    },
  );
}

async function detachOne(
  driver: DiskDriver,
  machine: Machine,
  before: readonly Disk[],
  now: Disks,
  step: Step,
): Promise<unknown> {
  const wrong = now.disks.find((disk) => {
    const was = before.find(({ name }) => name === disk.name);
    if (disk.root || disk.slot === undefined || was === undefined || was.root) return false;
    return was.slot === undefined || before.some((o) => o !== was && o.slot === disk.slot);
  });
  return wrong && ((await driver.detach(machine, wrong, now, step)) ?? 'done');
}

async function attachOne(
  driver: DiskDriver,
  machine: Machine,
  before: readonly Disk[],
  now: Disks,
  step: Step,
): Promise<unknown> {
  const was = before.find(({ name, slot, root }) => {
    if (root || slot === undefined) return false;
    const today = now.disks.find((disk) => disk.name === name);
    return today !== undefined && today.slot === undefined;
  });
  if (was === undefined) return undefined;
  return driver.attach(machine, { ...was, number: was.number ?? freeNumber(now.disks) }, now, step);
}

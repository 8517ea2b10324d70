import type { Step } from '../../../contract/context.ts';
import { Failure, isKind } from '../../../failure.ts';
import { pollFor } from '../../../kit/poll.ts';
import { writeTree } from '../../../kit/xml/tree.ts';
import { serialOf } from '../../../lifecycle/data-disks.ts';
import { refused } from '../../../lifecycle/disk-refusals.ts';
import { affects, changeDevice } from '../api/domains.ts';
import { type DataDisk, type Descriptions, driveOf, readDescriptions } from './data-disks.ts';
import { diskElement } from './drive-elements.ts';
import { drivesIn, freeDev, rootIn } from './drives.ts';
import type { Machine } from './machines.ts';
import type { Session } from './session.ts';

const mostTurns = 10;

/** Connects a disk wherever it is not connected yet; answers its place. */
export async function plug(
  session: Session,
  machine: Machine,
  disk: DataDisk,
  step: Step,
): Promise<string> {
  for (let turn = 1; ; turn += 1) {
    const now = await readDescriptions(session, machine, step);
    const flags = missingIn(now, disk);
    const there = driveOf(now, disk.file.path);
    if (flags === 0 && there !== undefined) return there.dev;
    const { bus, dev } = there ?? placeFor(now, disk);
    const serial = serialOf(step.instance.uuid, disk.number ?? 0);
    const xml = writeTree(diskElement(disk.file, { bus, dev }, serial));
    const ask = { what: `attach disk ${disk.name}`, deadline: step.deadline, flags };
    try {
      await changeDevice(session.client, now.machine.domain, 'attachDevice', xml, ask);
    } catch (thrown) {
      // Another call has taken the place, or the guest has gone down or up.
      if (!isKind(thrown, 'conflict') || turn === mostTurns) throw thrown;
    }
  }
}

function missingIn({ lasting, live }: Descriptions, { file }: DataDisk): number {
  const lacks = (description: typeof lasting) =>
    !drivesIn(description).some(({ path }) => path === file.path);
  const inLive = live !== undefined && lacks(live) ? affects.live : 0;
  return inLive + (lacks(lasting) ? affects.config : 0);
}

function placeFor({ lasting, live }: Descriptions, { slot }: DataDisk) {
  const all = live === undefined ? [lasting] : [live, lasting];
  const rootBus = rootIn(lasting)?.bus ?? 'virtio';
  const isFree = slot !== undefined && !all.flatMap(drivesIn).some(({ dev }) => dev === slot);
  const dev = isFree ? slot : freeDev(all, rootBus);
  if (dev !== undefined) return { bus: rootBus, dev };
  throw refused('conflict', 'The instance has no free place for another disk');
}

/** How long a guest may take to let go of a disk. */
const releaseMs = 15_000;

/** Takes a disk out of the guest first, and out of the lasting description when it is out there. */
export async function unplug(
  session: Session,
  machine: Machine,
  disk: DataDisk,
  step: Step,
): Promise<void> {
  const look = async () => {
    const now = await readDescriptions(session, machine, step);
    const find = (description: Descriptions['live']) =>
      description && drivesIn(description).find(({ path }) => path === disk.file.path);
    return { domain: now.machine.domain, live: find(now.live), lasting: find(now.lasting) };
  };
  const take = async (flags: number): Promise<void> => {
    const { domain, live, lasting } = await look();
    const drive = flags === affects.live ? live : lasting;
    if (drive === undefined) return;
    const ask = { what: `detach disk ${disk.name}`, deadline: step.deadline, flags };
    const xml = writeTree(drive.element);
    await changeDevice(session.client, domain, 'detachDevice', xml, ask);
  };
  await take(affects.live).catch((thrown: unknown) => {
    // It is on its way out already, or the guest has gone down.
    if (!isKind(thrown, 'conflict', 'upstream')) throw thrown;
  });
  const wait = { ms: releaseMs, what: `waiting for the guest to let go of disk ${disk.name}` };
  const isOut = await pollFor(step.deadline, wait, async () => (await look()).live === undefined);
  if (!isOut) {
    throw new Failure('conflict', `The guest does not let go of disk ${disk.name}`, {
      advice: 'Unmount it in the guest, or stop the instance, then try again',
      tenant: 'The guest does not let go of the disk: unmount it, or stop the instance',
    });
  }
  await take(affects.config);
}

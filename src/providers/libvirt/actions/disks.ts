import type { Step } from '../../../contract/context.ts';
import type { DiskDriver, NewDisk } from '../../../contract/disk.ts';
import { refused } from '../../../lifecycle/disk-refusals.ts';
import { resizeBlock } from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import { listSaved } from '../api/snapshots.ts';
import { createVolume, placeOf, resizeVolume, type Volume } from '../api/volumes.ts';
import { type DataDisk, driveOf, readDescriptions, readDisks } from '../machine/data-disks.ts';
import { fileIn, formatIn, volumeXml } from '../machine/disk.ts';
import { drivesIn } from '../machine/drives.ts';
import type { Machine } from '../machine/machines.ts';
import { plug, unplug } from '../machine/plug.ts';
import { notePool, poolsIn, removeVolume, volumesOf } from '../machine/pools.ts';
import type { Session } from '../machine/session.ts';
import { dataName } from '../machine/volume-names.ts';

const gib = 1024 ** 3;

/** Data disks are volumes that carry the instance's UUID and a number, on the bus of the root disk. */
export function disks(session: Session): DiskDriver<Machine, DataDisk> {
  const { client } = session;
  return {
    storages: true,
    async list(machine, step) {
      return {
        disks: await readDisks(session, await readDescriptions(session, machine, step), step),
      };
    },
    async add(machine, wanted, now, { undo, ...step }) {
      let made: 'no' | 'maybe' | 'yes' = 'no';
      let disk: DataDisk | undefined;
      undo.add(
        `remove the new disk ${wanted.number} of ${step.instance.name}`,
        async (deadline) => {
          if (disk === undefined || made === 'no') return;
          const margin = { ...step, deadline };
          // A disk that another call may have made at the same moment, and has attached by now.
          const there = driveOf(await readDescriptions(session, machine, margin), disk.file.path);
          if (made === 'maybe' && there !== undefined) return;
          await unplug(session, machine, disk, margin);
          if (disk.volume !== undefined) await removeVolume(client, disk.volume, deadline);
        },
      );
      disk = await planNew(session, machine, wanted, now.disks, step);
      made = 'maybe';
      const isOwn = await makeVolume(session, disk, wanted.sizeGb * gib, step);
      made = isOwn ? 'yes' : 'no';
      if (!isOwn) return 'lost';
      if (await hasTwin(session, machine, disk, step)) {
        await removeVolume(client, volumeOf(disk), step.deadline);
        return 'lost';
      }
      return { ...disk, slot: await plug(session, machine, disk, step) };
    },
    async detach(machine, disk, _now, step) {
      if ((await listSaved(client, machine.domain, step.deadline)).length > 0) {
        const sentence = 'A disk cannot be detached while the instance has snapshots';
        throw refused('conflict', `${sentence}: delete them first`);
      }
      await unplug(session, machine, disk, step);
    },
    async attach(machine, disk, _now, step) {
      return { ...disk, slot: await plug(session, machine, disk, step) };
    },
    async remove(_machine, disk, _now, { deadline }) {
      await removeVolume(client, volumeOf(disk), deadline);
    },
    async resize(machine, disk, sizeGb, step) {
      const { live } = await readDescriptions(session, machine, step);
      const bytes = sizeGb * gib;
      const dev = live && drivesIn(live).find(({ path }) => path === disk.file.path)?.dev;
      if (dev === undefined) await resizeVolume(client, volumeOf(disk), bytes, step.deadline);
      else await resizeBlock(client, machine.domain, { disk: dev, bytes }, step.deadline);
    },
  };
}

function volumeOf({ volume }: DataDisk): Volume {
  if (volume !== undefined) return volume;
  throw refused('unsupported', 'This disk is no volume that libvirt knows of');
}

/** The disk as it is to be, in a pool that is noted on the machine by then. */
async function planNew(
  session: Session,
  machine: Machine,
  { number, sizeGb, storage }: NewDisk,
  disks: readonly DataDisk[],
  { instance, deadline }: Step,
): Promise<DataDisk> {
  const { client } = session;
  const root = disks.find((disk) => disk.root === true)?.storage;
  const place = await placeOf(client, storage ?? root ?? 'default', deadline);
  const { lasting } = await readDescriptions(session, machine, { deadline });
  await notePool(session, machine, lasting, place.pool.name, deadline);
  const format = formatIn(place);
  const name = dataName(instance.uuid, number, format);
  const file = fileIn(place, name, format);
  const volume = { pool: place.pool.name, name, key: file.path };
  const shown = { name: `data-${number}`, number, storage: volume.pool };
  return { ...shown, volume, file, sizeBytes: sizeGb * gib };
}

/** `false` where another call has made a disk of that number. */
async function makeVolume(
  { client }: Session,
  disk: DataDisk,
  bytes: number,
  { deadline }: Step,
): Promise<boolean> {
  const { pool, name } = volumeOf(disk);
  const place = await placeOf(client, pool, deadline);
  const xml = volumeXml(name, bytes, disk.file.format);
  try {
    await createVolume(client, place.pool, xml, { what: `make disk ${disk.name}`, deadline });
    return true;
  } catch (thrown) {
    if (hasCode(thrown, 'volumeExists')) return false;
    throw thrown;
  }
}

/** Whether another call has made a disk of the same number in another pool. */
async function hasTwin(
  session: Session,
  machine: Machine,
  { number, storage }: DataDisk,
  step: Step,
): Promise<boolean> {
  const { lasting } = await readDescriptions(session, machine, step);
  const others = poolsIn(lasting).filter((pool) => pool !== storage);
  const held = await volumesOf(session.client, step.instance.uuid, others, step.deadline);
  return held.some(({ own }) => own.number === number);
}

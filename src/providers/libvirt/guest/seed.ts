import type { Plan } from '../../../contract/driver.ts';
import type { GuestData } from '../../../contract/guest.ts';
import { Failure } from '../../../failure.ts';
import { seedImage } from '../../../guest/seed.ts';
import { guestData, needsSeed } from '../../../guest/sources.ts';
import { poll } from '../../../kit/poll.ts';
import type { XmlNode } from '../../../kit/xml/tree.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { hasCode } from '../api/errors.ts';
import {
  createVolume,
  lookUp,
  type Pool,
  placeOf,
  uploadVolume,
  volumeAt,
  volumeFacts,
} from '../api/volumes.ts';
import { fileIn, roomIn, volumeXml } from '../machine/disk.ts';
import { cdromElement, discBus } from '../machine/drive-elements.ts';
import {
  type Drive,
  drivesIn,
  freeDev,
  machineTypeIn,
  rootIn,
  withDrives,
} from '../machine/drives.ts';
import type { Machine } from '../machine/machines.ts';
import { notePool, poolsIn, removeVolume } from '../machine/pools.ts';
import type { Session } from '../machine/session.ts';
import { nameAt, seedName } from '../machine/volume-names.ts';
import type { Blueprint } from '../settings.ts';

type Starting = Plan<Partial<Blueprint>>;

/**
 * Brings the image with the data for the guest up to date, and answers the description with the drive for
 * it. A machine that has none gets one only for data that it needs: a guest that suddenly finds one does
 * the work of a first boot.
 */
export async function withSeed(
  session: Session,
  machine: Machine,
  description: XmlNode,
  plan: Starting,
): Promise<XmlNode> {
  const { client, settings } = session;
  const { instance, deadline } = plan;
  const name = seedName(instance.uuid);
  const drive = drivesIn(description).find(({ path }) => nameAt(path) === name);
  const guest = dataFor(session, plan);
  const isTold = isBuilding(machine) && instance.guest !== undefined;
  if (drive === undefined && !isTold && !needsSeed(guest)) return description;
  const pool = settings.seed_pool ?? (await usualPool(session, description, plan));
  const place = await placeOf(client, pool, deadline);
  await roomIn(client, place.pool, deadline);
  const noted = await notePool(session, machine, description, pool, deadline);
  await store(session, place.pool, name, seedImage(guest), deadline);
  return withDrive(noted, drive, fileIn(place, name, 'raw'));
}

function dataFor({ settings }: Session, { instance, blueprint }: Starting): GuestData {
  const { user_data: userData, guest_system } = blueprint;
  const data = guestData({ instance, userData, vendorData: settings.vendor_data });
  return guest_system === 'windows' ? { ...data, system: 'windows' } : data;
}

/** The pool of the disk that the machine boots from. */
async function usualPool(
  { client }: Session,
  description: XmlNode,
  { deadline }: Starting,
): Promise<string> {
  const [made] = poolsIn(description);
  const path = rootIn(description)?.path;
  if (made !== undefined) return made;
  return path === undefined ? 'default' : (await volumeAt(client, path, deadline)).pool;
}

/** Another call for the instance may do the same at this moment. */
async function store(
  { client }: Session,
  pool: Pool,
  name: string,
  image: Buffer,
  deadline: Starting['deadline'],
): Promise<void> {
  await poll(deadline, `waiting for the volume ${name}`, async () => {
    try {
      const there = await lookUp(client, pool, name, deadline);
      const fits =
        there !== undefined &&
        (await volumeFacts(client, there, deadline)).capacity === image.length;
      if (there !== undefined && !fits) await removeVolume(client, there, deadline);
      const xml = volumeXml(name, image.length, 'raw');
      const volume = fits
        ? there
        : await createVolume(client, pool, xml, { what: `make volume ${name}`, deadline });
      await uploadVolume(client, volume, image, deadline);
      return true;
    } catch (thrown) {
      if (hasCode(thrown, 'volumeExists', 'operationInvalid', 'noVolume')) return undefined;
      throw thrown;
    }
  });
}

function withDrive(
  description: XmlNode,
  drive: Drive | undefined,
  file: Parameters<typeof cdromElement>[0],
): XmlNode {
  if (drive?.path === file?.path) return description;
  const all = drivesIn(description).filter((each) => each !== drive);
  const bus = drive?.bus ?? discBus(machineTypeIn(description));
  const dev = drive?.dev ?? freeDev([description], bus);
  if (dev === undefined) throw noPlace();
  return withDrives(description, [
    ...all.map(({ element }) => element),
    cdromElement(file, { bus, dev }),
  ]);
}

function noPlace(): Failure {
  const sentence = 'The instance has no free place for a drive with the data for its guest';
  return new Failure('conflict', sentence, {
    advice: 'Take a disk or a drive out of it',
    tenant: sentence,
  });
}

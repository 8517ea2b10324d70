import type { Step } from '../../../contract/context.ts';
import type { Disk } from '../../../contract/disk.ts';
import type { XmlNode } from '../../../kit/xml/tree.ts';
import { unless } from '../api/domains.ts';
import { type Volume, volumeAt, volumeFacts } from '../api/volumes.ts';
import { fileIn } from './disk.ts';
import type { DiskFile } from './drive-elements.ts';
import { type Drive, drivesIn, rootIn } from './drives.ts';
import { readDescription } from './hardware.ts';
import { isOff, type Machine, reread } from './machines.ts';
import { type Held, poolsIn, volumesOf } from './pools.ts';
import type { Session } from './session.ts';

/** A disk of an instance, with the volume behind it where libvirt knows of one. */
export interface DataDisk extends Disk {
  readonly volume: Volume | undefined;
  readonly file: DiskFile;
}

/** The lasting description of a machine, and that of its guest while it runs. */
export interface Descriptions {
  readonly lasting: XmlNode;
  readonly live: XmlNode | undefined;
  readonly machine: Machine;
}

export async function readDescriptions(
  session: Session,
  { remoteId }: Machine,
  { deadline }: Pick<Step, 'deadline'>,
): Promise<Descriptions> {
  const machine = await reread(session.client, remoteId, deadline);
  const [lasting, live] = await Promise.all([
    readDescription(session, machine, 'whenOff', deadline),
    isOff(machine) ? undefined : readDescription(session, machine, 'now', deadline),
  ]);
  return { lasting, live, machine };
}

/** The drive of a volume in either description: a change that broke off may have reached one of them. */
export function driveOf({ lasting, live }: Descriptions, path: string): Drive | undefined {
  const descriptions = live === undefined ? [lasting] : [live, lasting];
  return descriptions.flatMap(drivesIn).find((drive) => drive.path === path);
}

/** The disks of the instance in its machine and in its pools. */
export async function readDisks(
  session: Session,
  now: Descriptions,
  { instance, deadline }: Step,
): Promise<readonly DataDisk[]> {
  const { client } = session;
  const held = await volumesOf(client, instance.uuid, poolsIn(now.lasting), deadline);
  const data = held.filter(({ own }) => own.use === 'data');
  const root = await rootDisk(session, now, deadline);
  const rest = await Promise.all(
    data.map(async ({ place, volume, own }): Promise<DataDisk | undefined> => {
      const facts = await unless(volumeFacts(client, volume, deadline), 'noVolume');
      if (facts === undefined) return undefined;
      const file = fileIn(place, volume.name, facts.format);
      const slot = driveOf(now, file.path)?.dev;
      const shown = { name: labelOf({ place, own }, data), number: own.number, slot };
      return { ...shown, storage: volume.pool, sizeBytes: facts.capacity, volume, file };
    }),
  );
  const found = rest.filter((disk) => disk !== undefined);
  return [...(root === undefined ? [] : [root]), ...found.sort(byNumber)];
}

function byNumber({ number: one = 0 }: Disk, { number: other = 0 }: Disk): number {
  return one - other;
}

function labelOf({ place, own }: Pick<Held, 'place' | 'own'>, all: readonly Held[]): string {
  const isTwin = all.some((each) => each.own.number === own.number && each.place !== place);
  return isTwin ? `data-${own.number}@${place.pool.name}` : `data-${own.number}`;
}

/** The disk of a machine that was taken over may be a file outside of all pools. */
async function rootDisk(
  { client }: Session,
  now: Descriptions,
  deadline: Step['deadline'],
): Promise<DataDisk | undefined> {
  const drive = rootIn(now.live ?? now.lasting);
  if (drive?.path === undefined) return undefined;
  const volume = await unless(volumeAt(client, drive.path, deadline), 'noVolume');
  const facts = volume && (await volumeFacts(client, volume, deadline));
  return {
    ...{ name: 'root', slot: drive.dev, root: true, volume, storage: volume?.pool },
    sizeBytes: facts?.capacity,
    file: { path: drive.path, format: facts?.format ?? 'raw', isBlock: false },
  };
}

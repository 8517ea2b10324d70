import type { Deadline } from '../../../contract/context.ts';
import { Failure, isKind } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { node, writeTree, type XmlNode } from '../../../kit/xml/tree.ts';
import type { Client } from '../api/client.ts';
import { hasCode } from '../api/errors.ts';
import {
  copyVolume,
  createVolume,
  deleteVolume,
  findVolume,
  listVolumes,
  lookUp,
  type Pool,
  type PoolPlace,
  placeOf,
  resizeVolume,
  spaceIn,
  type VolumeFacts,
  volumeFacts,
} from '../api/volumes.ts';
import type { Blueprint, Settings } from '../settings.ts';
import type { DiskFile } from './description.ts';
import type { Made } from './marks.ts';

/** The disk that an instance is to have, and from where it comes. */
export interface DiskPlan {
  readonly place: PoolPlace;
  readonly template: VolumeFacts | undefined;
  readonly iso: string | undefined;
  readonly bytes: number;
  readonly manner: Made['manner'];
  readonly format: 'qcow2' | 'raw';
}

/** Pools of files; in all others a volume is a device of its own. */
const ofFiles = ['dir', 'fs', 'netfs'];
/** A disk that we made, by its name: never a template. */
const ownVolume = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{8}\.(qcow2|raw)$/;

/** Finds template, ISO image and pool before anything is made. */
export async function planDisk(
  client: Client,
  settings: Settings,
  blueprint: Blueprint,
  deadline: Deadline,
): Promise<DiskPlan> {
  const { template_id, iso_path, storage, disk_size_gb, is_full_clone } = blueprint;
  const { template_pool, iso_pool } = settings;
  const find = (pool: string, name: string) => sourceIn(client, pool, name, deadline);
  const [place, template, iso] = await Promise.all([
    placeOf(client, storage, deadline),
    template_id === undefined ? undefined : find(template_pool, template_id),
    iso_path === undefined || iso_pool === undefined ? undefined : find(iso_pool, iso_path),
  ]);
  const wanted = (disk_size_gb ?? 0) * 2 ** 30;
  const isFiles = ofFiles.includes(place.kind);
  const manner = template === undefined ? 'empty' : is_full_clone ? 'full' : 'linked';
  if (manner === 'linked' && !isFiles) throw cannotLink(place);
  const bytes = Math.max(wanted, template?.capacity ?? 0);
  const plan = { place, template, iso: iso?.path, bytes, manner } as const;
  await refuseWithoutRoom(client, plan, deadline);
  return { ...plan, format: isFiles ? 'qcow2' : 'raw' };
}

async function sourceIn(
  client: Client,
  pool: string,
  name: string,
  deadline: Deadline,
): Promise<VolumeFacts> {
  const { pool: found } = await placeOf(client, pool, deadline);
  const isOwn = ownVolume.test(name);
  const volume = isOwn ? undefined : await findVolume(client, found, name, deadline);
  if (volume !== undefined) return volumeFacts(client, volume, deadline);
  throw new Failure('not-found', `Storage pool ${pool} has no volume ${name} to use`, {
    advice: `On the host: virsh vol-list ${pool}`,
    tenant: 'The template or ISO image of this instance does not exist',
  });
}

function cannotLink({ pool, kind }: PoolPlace): Failure {
  return new Failure('config', `Storage pool ${pool.name} is of type ${kind} and holds no links`, {
    advice: 'Set is_full_clone=true, or use a pool of files (dir, fs or netfs)',
  });
}

/** Only a copy takes its room at once; other disks grow as the guest writes. */
async function refuseWithoutRoom(
  client: Client,
  { place: { pool }, manner, bytes }: Pick<DiskPlan, 'place' | 'manner' | 'bytes'>,
  deadline: Deadline,
): Promise<void> {
  const { active, available } = await spaceIn(client, pool, deadline);
  if (!active) {
    throw new Failure('config', `Storage pool ${pool.name} is not active`, {
      advice: `On the host: virsh pool-start ${pool.name}; virsh pool-autostart ${pool.name}`,
    });
  }
  if (manner !== 'full' || bytes <= available) return;
  const free = Math.floor(available / 2 ** 30);
  throw new Failure(
    'conflict',
    `Storage pool ${pool.name} has ${free} GiB left, which is too little`,
    {
      tenant: 'There is no room for the disk of this instance',
    },
  );
}

/** The note of the disk; its name is new, so that no disk of an earlier life is taken for it. */
export function madeFor(plan: DiskPlan, uuid: string, once: string): Made {
  const { place, template, bytes, manner, format } = plan;
  return {
    ...{ pool: place.pool.name, volume: `${uuid}-${once}.${format}`, manner },
    ...{ from: sourceOf(plan), bytes: String(bytes) },
  };
  function sourceOf({ iso }: DiskPlan): string {
    if (template !== undefined) return `${template.volume.pool}/${template.volume.name}`;
    return iso ?? '';
  }
}

/** Whether a disk that an earlier create began is the one that is wanted now. */
export function isAsPlanned(made: Made, plan: DiskPlan): boolean {
  const wanted = madeFor(plan, '', '');
  return (['pool', 'manner', 'from', 'bytes'] as const).every((key) => made[key] === wanted[key]);
}

export function fileOf({ place: { path, kind }, format }: DiskPlan, { volume }: Made): DiskFile {
  return { path: `${path}/${volume}`, format, isBlock: !ofFiles.includes(kind) };
}

/** Makes the disk unless it is there; ends when it is whole, also where another call is making it. */
export async function ensureDisk(
  client: Client,
  plan: DiskPlan,
  made: Made,
  deadline: Deadline,
): Promise<void> {
  const { pool } = plan.place;
  await poll(deadline, `waiting for the disk ${made.volume}`, async () => {
    try {
      const there = await lookUp(client, pool, made.volume, deadline);
      if (there === undefined) return await createDisk(client, plan, made, deadline);
      // libvirt lists a volume before its file is there, and refuses this until it is whole.
      await resizeVolume(client, there, plan.bytes, deadline);
      return true;
    } catch (thrown) {
      if (hasCode(thrown, 'volumeExists', 'operationInvalid', 'noVolume')) return undefined;
      throw thrown;
    }
  });
}

/** Ends when the disk is whole; a copy that has yet to grow is looked at once more. */
async function createDisk(
  client: Client,
  plan: DiskPlan,
  made: Made,
  deadline: Deadline,
): Promise<true | undefined> {
  const { place, template, bytes } = plan;
  const ask = { what: `make the disk ${made.volume}`, deadline };
  if (plan.manner === 'full' && template !== undefined) {
    const xml = writeTree(volumeElement(plan, made, template.capacity));
    await copyVolume(client, place.pool, { xml, from: template.volume }, ask);
    return bytes === template.capacity ? true : undefined;
  }
  await createVolume(client, place.pool, writeTree(volumeElement(plan, made, bytes)), ask);
  return true;
}

function volumeElement(
  { template, format, manner }: DiskPlan,
  { volume }: Made,
  bytes: number,
): XmlNode {
  const links = manner === 'linked' && template !== undefined;
  return node(
    'volume',
    {},
    node('name', {}, volume),
    node('capacity', { unit: 'bytes' }, String(bytes)),
    node('allocation', { unit: 'bytes' }, '0'),
    node('target', {}, node('format', { type: format })),
    links
      ? node(
          'backingStore',
          {},
          node('path', {}, template.path),
          node('format', { type: template.format }),
        )
      : undefined,
  );
}

/** Removes the volumes in the pool that were made for the domain; a backing file is never one of them. */
export async function removeDisks(
  client: Client,
  pool: Pool,
  uuid: string,
  deadline: Deadline,
  keep?: string,
): Promise<void> {
  const all = await listVolumes(client, pool, deadline);
  // A copy that an administrator has named after the instance is none of ours.
  const own = all.filter(
    ({ name }) => name.startsWith(`${uuid}-`) && ownVolume.test(name) && name !== keep,
  );
  for (const volume of own) {
    await poll(deadline, `waiting for a task on ${volume.name}`, async () => {
      try {
        await deleteVolume(client, volume, deadline);
        return true;
      } catch (thrown) {
        if (isKind(thrown, 'conflict')) return undefined;
        throw thrown;
      }
    });
  }
}

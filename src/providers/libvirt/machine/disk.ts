import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { node, writeTree } from '../../../kit/xml/tree.ts';
import type { Client } from '../api/client.ts';
import { hasCode } from '../api/errors.ts';
import {
  copyVolume,
  createVolume,
  findVolume,
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
import type { DiskFile } from './drive-elements.ts';
import type { Made } from './marks.ts';
import { ownVolume, rootName } from './volume-names.ts';

/** The disk that an instance is to have, and from where it comes. */
export interface DiskPlan {
  readonly place: PoolPlace;
  readonly template: VolumeFacts | undefined;
  readonly iso: DiskFile | undefined;
  readonly bytes: number;
  readonly manner: Made['manner'];
  readonly format: 'qcow2' | 'raw';
}

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
  const manner = template === undefined ? 'empty' : is_full_clone ? 'full' : 'linked';
  if (manner === 'linked' && !place.holdsFiles) throw cannotLink(place);
  const bytes = Math.max(wanted, template?.facts.capacity ?? 0);
  const plan = { place, template: template?.facts, iso: iso?.file, bytes, manner } as const;
  await refuseWithoutRoom(client, plan, deadline);
  return { ...plan, format: formatIn(place) };
}

interface Source {
  readonly facts: VolumeFacts;
  readonly file: DiskFile;
}

/** A template or an ISO image in its pool. */
export async function sourceIn(
  client: Client,
  pool: string,
  name: string,
  deadline: Deadline,
): Promise<Source> {
  const place = await placeOf(client, pool, deadline);
  // An instance's disk or seed is no template and no image for another one.
  const volume =
    ownVolume(name) === undefined
      ? await findVolume(client, place.pool, name, deadline)
      : undefined;
  if (volume === undefined) throw noSource(pool, name);
  const facts = await volumeFacts(client, volume, deadline);
  return { facts, file: { path: facts.path, format: 'raw', isBlock: !place.holdsFiles } };
}

function noSource(pool: string, name: string): Failure {
  return new Failure('not-found', `Storage pool ${pool} has no volume ${name} to use`, {
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
  const available = await roomIn(client, pool, deadline);
  if (manner !== 'full' || bytes <= available) return;
  const free = Math.floor(available / 2 ** 30);
  const sentence = `Storage pool ${pool.name} has ${free} GiB left, which is too little`;
  throw new Failure('conflict', sentence, {
    tenant: 'There is no room for the disk of this instance',
  });
}

/** The bytes that an active pool has left. */
export async function roomIn(client: Client, pool: Pool, deadline: Deadline): Promise<number> {
  const { active, available } = await spaceIn(client, pool, deadline);
  if (active) return available;
  throw new Failure('config', `Storage pool ${pool.name} is not active`, {
    advice: `On the host: virsh pool-start ${pool.name}; virsh pool-autostart ${pool.name}`,
  });
}

/** The note of the disk; its name is new, so that no disk of an earlier life is taken for it. */
export function madeFor(plan: DiskPlan, uuid: string, once: string): Made {
  const { place, template, bytes, manner, format } = plan;
  return {
    ...{ pool: place.pool.name, volume: rootName(uuid, once, format), manner },
    ...{ from: sourceOf(plan), bytes: String(bytes) },
  };
  function sourceOf({ iso }: DiskPlan): string {
    if (template !== undefined) return `${template.volume.pool}/${template.volume.name}`;
    return iso?.path ?? '';
  }
}

/** Whether a disk that an earlier create began is the one that is wanted now. */
export function isAsPlanned(made: Made, plan: DiskPlan): boolean {
  const wanted = madeFor(plan, '', '');
  return (['pool', 'manner', 'from', 'bytes'] as const).every((key) => made[key] === wanted[key]);
}

/** The format of the disks that are made in a pool. */
export function formatIn({ holdsFiles }: PoolPlace): DiskPlan['format'] {
  return holdsFiles ? 'qcow2' : 'raw';
}

export function fileIn({ path, holdsFiles }: PoolPlace, name: string, format: string): DiskFile {
  return { path: `${path}/${name}`, format, isBlock: !holdsFiles };
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
    const xml = volumeXml(made.volume, template.capacity, plan.format);
    await copyVolume(client, place.pool, { xml, from: template.volume }, ask);
    return bytes === template.capacity ? true : undefined;
  }
  const backing = plan.manner === 'linked' ? template : undefined;
  const xml = volumeXml(made.volume, bytes, plan.format, backing);
  await createVolume(client, place.pool, xml, ask);
  return true;
}

/** The description of a new volume; one with a backing file differs from that only. */
export function volumeXml(
  name: string,
  bytes: number,
  format: string,
  backing?: Pick<VolumeFacts, 'path' | 'format'>,
): string {
  const element = node(
    'volume',
    {},
    node('name', {}, name),
    node('capacity', { unit: 'bytes' }, String(bytes)),
    node('allocation', { unit: 'bytes' }, '0'),
    node('target', {}, node('format', { type: format })),
    backing === undefined
      ? undefined
      : node(
          'backingStore',
          {},
          node('path', {}, backing.path),
          node('format', { type: backing.format }),
        ),
  );
  return writeTree(element);
}

import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { path } from '../../../kit/http/address.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { judge, readMark, writeMark } from '../../../lifecycle/mark.ts';
import { type Client, isGone, read } from '../api/client.ts';
import {
  type Device,
  type Machine,
  markKey,
  namesIn,
  projectSchema,
  uuidKey,
  volumeSchema,
} from '../api/wire.ts';
import type { Session } from './session.ts';

/*
 * Data disks are custom volumes. A volume is an instance's by the mark in its configuration, which names
 * the volume too: a copy of it under another name is no data disk. The name says the number, so that of
 * two calls at once only one can make the disk of a number.
 */

/** Says which call has made the volume. */
export const onceKey = 'user.outrigger.once';

export interface Volume {
  readonly pool: string;
  readonly name: string;
  readonly mark: Mark;
  readonly number: number;
  /** As Incus writes it, such as `10GiB`. */
  readonly size: string | undefined;
  readonly description: string;
  readonly once: string | undefined;
  /** The member that alone has it; `undefined` for a server without a cluster, and for storage of all members. */
  readonly node: string | undefined;
  /** The instances and snapshots that have it connected. */
  readonly users: readonly string[];
}

const ownName = /^[0-9a-f-]{36}-data([1-9]\d?)$/;

export function volumeName(uuid: string, number: number): string {
  return `${uuid}-data${number}`;
}

export function markFor(
  { context: { installation } }: Session,
  { uuid, name }: Instance,
  remoteId: string,
): Mark {
  return { uuid, name, installation, remoteId, state: 'built', origin: 'created' };
}

/** The data disks of one instance, or those of all instances of this installation. */
export async function listVolumes(
  { client, settings, context: { installation } }: Session,
  uuid: string | 'all',
  deadline: Deadline,
): Promise<readonly Volume[]> {
  const pools = await poolsInUse(client, settings.project, uuid, deadline);
  const filter = uuid === 'all' ? {} : { filter: `config.${uuidKey} eq ${uuid}` };
  const lists = await mapLimit(pools, 4, async (pool) => {
    const query = { recursion: 1, ...filter };
    const ask = { what: `list the volumes of pool ${pool}`, deadline, query };
    const at = path`/1.0/storage-pools/${pool}/volumes/custom`;
    const sent = read(v.array(volumeSchema()), (await client.send('GET', at, ask)).metadata);
    return sent.flatMap((each) => volumeIn(pool, each));
  });
  return lists.flat().filter(({ mark, name }) => {
    const wanted = { uuid: uuid === 'all' ? mark.uuid : uuid, installation, remoteId: name };
    return judge(mark, wanted) === 'ours';
  });
}

/**
 * The pools with data disks. A restricted certificate may not list pools, but its project names all of
 * its volumes; only where it has those of the default project, the pools are asked for.
 */
async function poolsInUse(
  client: Client,
  project: string,
  uuid: string | 'all',
  deadline: Deadline,
): Promise<readonly string[]> {
  const ask = { what: `find the volumes of project ${project}`, deadline };
  const { metadata } = await client.send('GET', path`/1.0/projects/${project}`, ask);
  const { config, used_by: users } = read(projectSchema(), metadata);
  if (config['features.storage.volumes'] !== 'true') {
    const pools = await client.send('GET', '/1.0/storage-pools', {
      what: 'list the storage pools',
      deadline,
    });
    return namesIn(read(v.array(v.string()), pools.metadata));
  }
  const found = (users ?? []).flatMap((user) => {
    const [, pool, name = ''] = volumeAddress.exec(user) ?? [];
    const isMeant = ownName.test(name) && (uuid === 'all' || name.startsWith(`${uuid}-`));
    return pool !== undefined && isMeant ? [decodeURIComponent(pool)] : [];
  });
  return [...new Set(found)];
}

const volumeAddress = /^\/1\.0\/storage-pools\/([^/]+)\/volumes\/custom\/([^/?]+)/;

function volumeIn(
  pool: string,
  { name, description, location, config, used_by }: v.InferOutput<ReturnType<typeof volumeSchema>>,
): readonly Volume[] {
  const mark = readMark(config?.[markKey] ?? '');
  const number = Number(ownName.exec(name)?.[1]);
  if (typeof mark !== 'object' || Number.isNaN(number)) return [];
  const node = location === 'none' || location === '' ? undefined : location;
  const once = config?.[onceKey];
  const users = namesIn(used_by ?? []);
  return [{ pool, name, mark, number, size: config?.['size'], description, once, node, users }];
}

/** The devices by which the instance has the volume, of which there is one at most. */
export function slotsOf(
  { incus: { devices } }: Machine,
  { pool, name }: Pick<Volume, 'pool' | 'name'>,
): readonly string[] {
  return Object.entries(devices)
    .filter(([, { type, ...device }]) => {
      return type === 'disk' && device['pool'] === pool && device['source'] === name;
    })
    .map(([slot]) => slot);
}

/** A container gets a folder, a virtual machine a disk. */
export function deviceFor(
  { incus: { type } }: Machine,
  { pool, name }: Pick<Volume, 'pool' | 'name'>,
  slot: string,
): Device {
  const device = { type: 'disk', pool, source: name };
  return type === 'container' ? { ...device, path: `/mnt/${slot}` } : device;
}

/** Makes an empty volume; fails as a conflict where there is one of this name. */
export async function createVolume(
  { client }: Session,
  { node, incus: { type } }: Machine,
  { pool, name, mark, number, size, once }: Omit<Volume, 'description' | 'node' | 'users'>,
  deadline: Deadline,
): Promise<void> {
  const json = {
    ...{ name, type: 'custom', description: `Data disk ${number} of ${mark.name}` },
    content_type: type === 'container' ? 'filesystem' : 'block',
    config: {
      ...{ size, [markKey]: writeMark(mark), [uuidKey]: mark.uuid, [onceKey]: once },
    },
  };
  const query = node === undefined ? {} : { target: node };
  const ask = { what: `make volume ${name} in pool ${pool}`, deadline, json, query };
  await client.send('POST', path`/1.0/storage-pools/${pool}/volumes/custom`, ask);
}

export async function growVolume(
  { client }: Session,
  { pool, name, description, node }: Volume,
  size: string,
  deadline: Deadline,
): Promise<void> {
  const query = node === undefined ? {} : { target: node };
  const json = { description, config: { size } };
  const ask = { what: `make volume ${name} larger`, deadline, json, query };
  await client.send('PATCH', path`/1.0/storage-pools/${pool}/volumes/custom/${name}`, ask);
}

/** Succeeds for one that is gone already. */
export async function removeVolume(
  { client }: Session,
  { pool, name, node }: Pick<Volume, 'pool' | 'name' | 'node'>,
  deadline: Deadline,
): Promise<void> {
  const query = node === undefined ? {} : { target: node };
  const ask = { what: `remove volume ${name} from pool ${pool}`, deadline, query };
  const at = path`/1.0/storage-pools/${pool}/volumes/custom/${name}`;
  await client.send('DELETE', at, ask).catch((thrown: unknown) => {
    if (!isGone(thrown)) throw thrown;
  });
}

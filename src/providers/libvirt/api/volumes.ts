import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { first, readTree, textIn } from '../../../kit/xml/tree.ts';
import type { Ask, Client } from './client.ts';
import { hasCode } from './errors.ts';
import { fixed, type Reader, text, u32, u64 } from './xdr.ts';

export interface Pool {
  readonly name: string;
  readonly uuid: Buffer;
}

export interface Volume {
  readonly pool: string;
  readonly name: string;
  readonly key: string;
}

/** Where a pool keeps its volumes, and of which kind it is. */
export interface PoolPlace {
  readonly pool: Pool;
  readonly kind: string;
  readonly path: string;
  /** Its volumes are files; in all other pools a volume is a device of its own. */
  readonly holdsFiles: boolean;
}

/** A volume's size, file and format. */
export interface VolumeFacts {
  readonly volume: Volume;
  readonly path: string;
  readonly format: string;
  readonly capacity: number;
}

function readPool(from: Reader): Pool {
  return { name: from.text(), uuid: fixed(from.fixed(16)) };
}

function poolArg({ name, uuid }: Pool): Buffer {
  return Buffer.concat([text(name), fixed(uuid)]);
}

function readVolume(from: Reader): Volume {
  return { pool: from.text(), name: from.text(), key: from.text() };
}

export function volumeArg({ pool, name, key }: Volume): Buffer {
  return Buffer.concat([text(pool), text(name), text(key)]);
}

export function brokenXml(why: string): Failure {
  return new Failure('upstream', `A description of libvirt is not XML: ${why}`);
}

export async function findPool(client: Client, name: string, deadline: Deadline): Promise<Pool> {
  const ask = { what: `find storage pool ${name}`, deadline };
  return client.call('poolByName', [text(name)], ask, readPool).catch((thrown: unknown) => {
    if (!hasCode(thrown, 'noPool')) throw thrown;
    throw new Failure('config', `libvirt has no storage pool ${name}`, {
      cause: thrown,
      advice: 'On the host: virsh pool-list --all',
    });
  });
}

/** The pools whose volumes can be listed now. */
export function listActivePools(client: Client, deadline: Deadline): Promise<readonly Pool[]> {
  const active = 2;
  const ask = { what: 'list the storage pools', deadline };
  return client.call('allPools', [u32(1), u32(active)], ask, (from) => from.list(readPool));
}

export async function placeOf(
  client: Client,
  name: string,
  deadline: Deadline,
): Promise<PoolPlace> {
  const pool = await findPool(client, name, deadline);
  const ask = { what: `read storage pool ${name}`, deadline };
  const xml = await client.call('poolXml', [poolArg(pool), u32(0)], ask, (from) => from.text());
  const tree = readTree(xml, brokenXml);
  const path = textIn(first(tree, 'target', 'path'));
  const kind = tree.attributes['type'] ?? '';
  return { pool, kind, path, holdsFiles: ['dir', 'fs', 'netfs'].includes(kind) };
}

export interface PoolSpace {
  readonly active: boolean;
  readonly capacity: number;
  readonly available: number;
}

export async function spaceIn(client: Client, pool: Pool, deadline: Deadline): Promise<PoolSpace> {
  const ask = { what: `read the space of storage pool ${pool.name}`, deadline };
  return client.call('poolInfo', [poolArg(pool)], ask, (from) => {
    const active = from.u32() === 2;
    const capacity = from.u64();
    from.u64();
    return { active, capacity, available: from.u64() };
  });
}

/** The volume of that name; a pool is read anew for one that libvirt does not know yet. */
export async function findVolume(
  client: Client,
  pool: Pool,
  name: string,
  deadline: Deadline,
): Promise<Volume | undefined> {
  const known = await lookUp(client, pool, name, deadline);
  if (known !== undefined) return known;
  const ask = { what: `read storage pool ${pool.name} anew`, deadline };
  await client.call('poolRefresh', [poolArg(pool), u32(0)], ask, () => {});
  return lookUp(client, pool, name, deadline);
}

/** As `findVolume`, for a volume that libvirt itself has made. */
export async function lookUp(
  client: Client,
  pool: Pool,
  name: string,
  deadline: Deadline,
): Promise<Volume | undefined> {
  const ask = { what: `find volume ${name} in ${pool.name}`, deadline };
  try {
    return await client.call('volumeByName', [poolArg(pool), text(name)], ask, readVolume);
  } catch (thrown) {
    if (hasCode(thrown, 'noVolume')) return undefined;
    throw thrown;
  }
}

export async function volumeFacts(
  client: Client,
  volume: Volume,
  deadline: Deadline,
): Promise<VolumeFacts> {
  const ask = { what: `read volume ${volume.name}`, deadline };
  const xml = await client.call('volumeXml', [volumeArg(volume), u32(0)], ask, (from) =>
    from.text(),
  );
  const tree = readTree(xml, brokenXml);
  const path = textIn(first(tree, 'target', 'path'));
  const format = first(tree, 'target', 'format')?.attributes['type'] ?? 'raw';
  return { volume, path, format, capacity: Number(textIn(first(tree, 'capacity'))) };
}

export function listVolumes(
  client: Client,
  pool: Pool,
  deadline: Deadline,
): Promise<readonly Volume[]> {
  const ask = { what: `list the volumes of ${pool.name}`, deadline };
  return client.call('allVolumes', [poolArg(pool), u32(1), u32(0)], ask, (from) =>
    from.list(readVolume),
  );
}

export function createVolume(client: Client, pool: Pool, xml: string, ask: Ask): Promise<Volume> {
  return client.call('createVolume', [poolArg(pool), text(xml), u32(0)], ask, readVolume);
}

/** Writes over the volume from its beginning; the answer says that all has arrived. */
export function uploadVolume(
  client: Client,
  volume: Volume,
  content: Buffer,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `write volume ${volume.name}`, deadline, content };
  const args = [volumeArg(volume), u64(0), u64(content.length), u32(0)];
  return client.call('uploadVolume', args, ask, () => {});
}

/** Copies the whole volume; libvirt goes on with it although our call may have ended. */
export function copyVolume(
  client: Client,
  pool: Pool,
  given: { readonly xml: string; readonly from: Volume },
  ask: Ask,
): Promise<Volume> {
  const args = [poolArg(pool), text(given.xml), volumeArg(given.from), u32(0)];
  return client.call('copyVolume', args, ask, readVolume);
}

export function resizeVolume(
  client: Client,
  volume: Volume,
  bytes: number,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `resize volume ${volume.name}`, deadline };
  return client.call('resizeVolume', [volumeArg(volume), u64(bytes), u32(0)], ask, () => {});
}

/** Succeeds for one that is gone already. */
export async function deleteVolume(
  client: Client,
  volume: Volume,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `remove volume ${volume.name}`, deadline };
  try {
    await client.call('deleteVolume', [volumeArg(volume), u32(0)], ask, () => {});
  } catch (thrown) {
    if (!hasCode(thrown, 'noVolume')) throw thrown;
  }
}

/** The volume that a domain's disk is; a file outside of all pools is none. */
export async function volumeAt(client: Client, path: string, deadline: Deadline): Promise<Volume> {
  const ask = { what: `find the volume ${path}`, deadline };
  return client.call('volumeByPath', [text(path)], ask, readVolume);
}

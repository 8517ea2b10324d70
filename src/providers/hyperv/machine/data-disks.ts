import type { Disk, Disks } from '../../../contract/disk.ts';
import * as commands from '../api/commands/disks.ts';
import { baseName, join, pathKey } from '../api/paths.ts';
import type { Details } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { type HostMachine, readDetails } from './list.ts';
import { ask, type Session } from './session.ts';

/*
 * Data disks are files in the folder for disks that carry the instance's UUID and a number: all that
 * tells whose a disk is while it is detached.
 */

export interface DataDisk extends Disk {
  /** The file that is connected, which is that of a checkpoint while there is one. */
  readonly path: string;
}

/** The disks of a machine with the details that they were read from. */
export interface ReadDisks extends Disks<DataDisk> {
  readonly details: Details;
}

const name = /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-data(\d+)(_[0-9a-f-]{36})?\.a?vhdx$/i;

/** The number of an instance's data disk in the name of its file. */
export function numberIn(path: string, uuid: string): number | undefined {
  const [, of = '', number] = name.exec(baseName(path)) ?? [];
  return of.toLowerCase() === uuid ? Number(number) : undefined;
}

/** Whether a file is the data disk of any instance. */
export function isDataDisk(path: string): boolean {
  return name.test(baseName(path));
}

export function dataPlace(
  { vhd_path }: Settings,
  { name: instance, uuid }: { readonly name: string; readonly uuid: string },
  number: number,
): string {
  return join(vhd_path, `${instance}-${uuid}-data${number}.vhdx`);
}

/** The disk that the machine starts from. */
export function rootOf({ disks }: Pick<Details, 'disks'>): Details['disks'][number] | undefined {
  return disks.find(({ path }) => !isDataDisk(path));
}

export async function readDisks(
  session: Session,
  machine: HostMachine,
  uuid: string,
): Promise<ReadDisks> {
  const details = await readDetails(session, machine);
  const root = rootOf(details);
  const attached = details.disks.filter(
    (disk) => disk === root || numberIn(disk.path, uuid) !== undefined,
  );
  const paths = attached.map(({ path }) => path);
  const { files, sizes } = await filesOf(session, uuid, paths);
  const sizeOf = new Map(sizes.map(({ path, size }) => [pathKey(path), size ?? undefined]));
  const taken = new Set(details.disks.map(({ path }) => numberIn(path, uuid)));
  const shown = attached.map((disk) => ({
    ...described(disk.path, uuid),
    ...{ slot: slotOf(disk), sizeBytes: sizeOf.get(pathKey(disk.path)), root: disk === root },
  }));
  // The file below a checkpoint's is no disk of its own.
  const loose = files.filter((path) => !taken.has(numberIn(path, uuid)));
  const detached = loose.map((path) => ({
    ...{ ...described(path, uuid), sizeBytes: sizeOf.get(pathKey(path)) },
  }));
  return { disks: [...shown, ...detached], details };
}

function described(path: string, uuid: string): DataDisk {
  const number = numberIn(path, uuid);
  return { name: number === undefined ? 'root' : `data-${number}`, number, path };
}

export function slotOf({
  controller,
  number,
  location,
}: Pick<Details['disks'][number], 'controller' | 'number' | 'location'>): string {
  return `${controller} ${number}:${location}`;
}

/** The data disks of an instance that lie in the folder for disks, connected or not. */
export async function dataFiles(session: Session, uuid: string): Promise<readonly string[]> {
  return (await filesOf(session, uuid, [])).files;
}

async function filesOf(session: Session, uuid: string, paths: readonly string[]) {
  const { vhd_path: folder } = session.settings;
  const given = { folder, uuid, paths };
  const found = await ask(session, commands.dataDisks, given, { paths: [folder] });
  const files = found.files.filter((path) => numberIn(path, uuid) !== undefined);
  return { ...found, files };
}

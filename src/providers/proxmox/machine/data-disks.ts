import type { Disk as Listed } from '../../../contract/disk.ts';
import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { numberIn } from '../../../lifecycle/data-disks.ts';
import { type Config, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { disksOf, rootDisk, storageOf } from './disks.ts';
import type { Place } from './read.ts';
import type { Session } from './session.ts';

/*
 * The disks of a machine under their volumes' names. A disk that is detached loses its serial number and
 * all options; the name of its volume, which holds the machine's id, is all that tells whose it is.
 */

export interface DataDisk extends Listed {
  /** `scsi1` while it is attached, `unused0` while it is not. */
  readonly key: string;
  readonly volume: string;
  /** Its options as they stand in the configuration, without its size. */
  readonly options: readonly string[];
}

export function dataDisksIn(config: Config, vmid: number, uuid: string): readonly DataDisk[] {
  const root = rootDisk(config)?.key;
  const attached = disksOf(config).filter(
    ({ key, volume }) => key === root || isVolumeOf(vmid, volume),
  );
  const unused = Object.entries(config).filter(
    ([key, value]) => /^unused\d+$/.test(key) && isVolumeOf(vmid, value),
  );
  return [
    ...attached.map(({ key, volume, storage, sizeBytes }) => {
      const options = optionsIn(config[key]);
      const number = numberIn(uuid, serialIn(config[key]));
      const name = { name: volume, volume, key, slot: key, storage };
      return { ...name, sizeBytes, options, number, root: key === root };
    }),
    ...unused.map(([key, volume]) => ({
      ...{ name: volume, volume, key, storage: storageOf(volume), options: [] },
    })),
  ];
}

/** A linked copy is named after its base first: `9000/base-9000-disk-0.raw/101/vm-101-disk-0.qcow2`. */
export function isVolumeOf(vmid: number, volume: string): boolean {
  const owner = [...volume.matchAll(/(?:^|[:/])(?:vm|base)-(\d+)-/g)].pop()?.[1];
  return owner === String(vmid);
}

export function serialIn(value: string | undefined): string | undefined {
  return /(?:^|,)serial=([^,]*)/.exec(value ?? '')?.[1];
}

function optionsIn(value = ''): readonly string[] {
  return value
    .split(',')
    .slice(1)
    .filter((option) => !option.startsWith('size='));
}

/** With the sizes that only the storages know; those of storages that do not answer are left out. */
export async function withSizes(
  session: Session,
  place: Place,
  disks: readonly DataDisk[],
): Promise<readonly DataDisk[]> {
  const lacking = disks.filter(({ sizeBytes }) => sizeBytes === undefined);
  const sizes = new Map<string, number>();
  for (const storage of new Set(lacking.map(({ volume }) => storageOf(volume)))) {
    for (const [volume, bytes] of await sizesOn(session, place, storage)) sizes.set(volume, bytes);
  }
  return disks.map((disk) => ({ ...disk, sizeBytes: disk.sizeBytes ?? sizes.get(disk.volume) }));
}

async function sizesOn(
  { api, context }: Session,
  { node, vmid }: Place,
  storage: string,
): Promise<readonly (readonly [volume: string, bytes: number])[]> {
  const ask = { what: `list the disks of machine ${vmid} on ${storage}`, query: { vmid } };
  try {
    const entries = listOf(await api.get(path`/nodes/${node}/storage/${storage}/content`, ask));
    return entries
      .map(recordOf)
      .map((entry) => [textOf(entry['volid']) ?? '', numberOf(entry['size']) ?? 0] as const);
  } catch (thrown) {
    context.log('disks.sizes-unknown', { storage, error: expectFailure(thrown).message });
    return [];
  }
}

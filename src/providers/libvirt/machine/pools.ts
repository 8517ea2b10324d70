import type { Deadline } from '../../../contract/context.ts';
import { isKind } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { first, type XmlNode } from '../../../kit/xml/tree.ts';
import type { Client } from '../api/client.ts';
import { prefixOf } from '../api/domains.ts';
import { deleteVolume, listVolumes, type PoolPlace, placeOf, type Volume } from '../api/volumes.ts';
import { changed } from './drives.ts';
import { type Machine, writeEverywhere } from './machines.ts';
import { bareText, madeFrom, poolElement, poolUri, uris } from './marks.ts';
import type { Session } from './session.ts';
import { type OwnVolume, ownVolume } from './volume-names.ts';

/*
 * The pools that hold volumes of an instance. Each is noted on its domain before anything is made in
 * it: a volume that no domain has is found there and nowhere else.
 */

export function poolsIn(description: XmlNode): readonly string[] {
  const metadata = first(description, 'metadata');
  const made = madeFrom(first(metadata, `${prefixOf(uris.made)}:made`));
  const noted = (metadata?.children ?? []).flatMap((each) => {
    if (typeof each === 'string' || !each.tag.endsWith(':pool')) return [];
    const { name = '' } = each.attributes;
    return each.tag === poolElement(name).tag ? [name] : [];
  });
  return [...new Set([...(made === undefined ? [] : [made.pool]), ...noted])];
}

/** Notes the pool on the machine; answers the description with the note. */
export async function notePool(
  { client }: Session,
  machine: Machine,
  description: XmlNode,
  pool: string,
  deadline: Deadline,
): Promise<XmlNode> {
  if (poolsIn(description).includes(pool)) return description;
  const note = poolElement(pool);
  await writeEverywhere(client, machine, poolUri(pool), bareText(note), deadline);
  return changed(description, 'metadata', (metadata) => ({
    ...metadata,
    children: [...metadata.children, note],
  }));
}

export interface Held {
  readonly place: PoolPlace;
  readonly volume: Volume;
  readonly own: OwnVolume;
}

/** The volumes of an instance in its pools; fails where one of these cannot be read. */
export async function volumesOf(
  client: Client,
  uuid: string,
  pools: readonly string[],
  deadline: Deadline,
): Promise<readonly Held[]> {
  const found = await Promise.all(
    pools.map(async (name) => {
      const place = await placeOf(client, name, deadline);
      const all = await listVolumes(client, place.pool, deadline);
      return all.flatMap((volume): readonly Held[] => {
        const own = ownVolume(volume.name);
        return own?.uuid === uuid ? [{ place, volume, own }] : [];
      });
    }),
  );
  return found.flat();
}

/** Waits for a task of libvirt on the volume; a backing file is never one of ours. */
export async function removeVolume(
  client: Client,
  volume: Volume,
  deadline: Deadline,
): Promise<void> {
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

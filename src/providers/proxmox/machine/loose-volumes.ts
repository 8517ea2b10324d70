import { expectFailure, isOutage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { type Config, listOf, recordOf, textOf } from '../api/wire.ts';
import { isVolumeOf } from './data-disks.ts';
import { disksOf } from './disks.ts';
import type { Machine } from './machine.ts';
import { configIfThere, nodeLimitMs } from './read.ts';
import type { Session } from './session.ts';

/**
 * Volumes under the ids of marked machines that their configurations do not name, by id: a disk is made
 * before it is written down, and the write may fail. They may be another cluster's, where it shares
 * the storage and uses the same id, so that no action ever removes them.
 *
 * A token sees the volumes of one machine at a time, on the storages that this machine has disks on.
 */
export async function looseVolumes(
  session: Session,
  machines: readonly Machine[],
): Promise<ReadonlyMap<number, readonly string[]>> {
  const marked = machines.filter(({ mark, isRead }) => typeof mark === 'object' && isRead);
  const found = await mapLimit(marked, 4, async (machine) => {
    const volumes = await volumesOf(session, machine);
    if (unnamed(volumes, machine.config).length === 0) return [machine.vmid, []] as const;
    // A disk that waits for the next start is named only by the configuration that this will find.
    const next = (await configIfThere(session, machine)) ?? machine.config;
    return [machine.vmid, unnamed(volumes, next)] as const;
  });
  return new Map(found.filter(([, volumes]) => volumes.length > 0));
}

function unnamed(volumes: readonly string[], config: Config): readonly string[] {
  const named = new Set(Object.values(config).map((value) => value.split(',')[0]));
  return volumes.filter((volume) => !named.has(volume));
}

/** Disks alone: saved memory and drives of cloud-init have names of another form. */
async function volumesOf(
  { api, context }: Session,
  { vmid, node, config }: Machine,
): Promise<readonly string[]> {
  const volumes: string[] = [];
  for (const storage of new Set(disksOf(config).map((disk) => disk.storage))) {
    const query = { content: 'images', vmid };
    const ask = { what: `list the disks of machine ${vmid}`, query, limitMs: nodeLimitMs };
    try {
      const entries = listOf(await api.get(path`/nodes/${node}/storage/${storage}/content`, ask));
      volumes.push(...entries.flatMap((entry) => textOf(recordOf(entry)['volid']) ?? []));
    } catch (thrown) {
      const { message: error } = expectFailure(thrown);
      if (isOutage(thrown)) throw thrown;
      context.log('storage.unread', { node, storage, error, level: 'warn' });
    }
  }
  return volumes.filter(
    (volume) => isVolumeOf(vmid, volume) && /vm-\d+-disk-\d+(\.\w+)?$/.test(volume),
  );
}

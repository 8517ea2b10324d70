import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { Settings } from '../settings.ts';
import type { StorageRow, Survey } from './cluster-resources.ts';

const gib = 1024 ** 3;
/** Storages that take all of a disk's size at once; on others disks grow as they are written to. */
const thick = new Set(['lvm', 'iscsi', 'iscsidirect', 'zfs']);

/** Fails while nothing has been made yet when the node has not the memory for the instance. */
export function checkMemory(
  { node, min_free_memory_gb }: Settings,
  { nodes }: Survey,
  instance: SizedInstance,
): void {
  const row = nodes.find((each) => each.node === node);
  if (row === undefined) {
    const known = nodes.map((each) => each.node).join(', ');
    throw new Failure(
      'config',
      `The cluster has no node ${node}; it has ${known || 'none to show'}`,
      {
        advice: 'Check the host detail "node"',
      },
    );
  }
  if (!row.online) {
    throw new Failure('unreachable', `The node ${node} is offline`, { outage: false });
  }
  // Without the right Sys.Audit the figures are left out.
  if (row.memoryBytes === undefined || row.usedBytes === undefined) return;
  const free = row.memoryBytes - row.usedBytes;
  if (free >= instance.memoryBytes + min_free_memory_gb * gib) return;
  throw noRoom(
    `${node} has ${inGib(free)} GiB of memory free, ${instance.name} needs ${inGib(instance.memoryBytes)} and ${min_free_memory_gb} have to stay free`,
  );
}

/** Fails when the storage cannot take a disk of that size, or is nearly full already. */
export function checkStorage(
  { min_free_storage_percent: floor }: Pick<Settings, 'min_free_storage_percent'>,
  storages: readonly StorageRow[],
  place: { readonly node: string; readonly storage: string; readonly sizeBytes: number },
): void {
  const row = storages.find(
    (each) => each.storage === place.storage && (each.node === place.node || each.shared),
  );
  // Not shown without the right Datastore.Audit; Proxmox VE then has the last word.
  if (row === undefined || row.totalBytes === 0) return;
  const free = row.totalBytes - row.usedBytes;
  const percent = Math.floor((free / row.totalBytes) * 100);
  const needed = thick.has(row.type ?? '') ? place.sizeBytes : 0;
  if (percent >= floor && free >= needed) return;
  throw noRoom(
    `storage ${place.storage} is ${100 - percent} % full (${floor} % have to stay free), needed are ${inGib(place.sizeBytes)} GiB`,
  );
}

function noRoom(what: string): Failure {
  return new Failure('conflict', `No room: ${what}`, {
    advice: 'Nothing was made; another host may have room',
    tenant: 'There is no room for this instance right now',
  });
}

function inGib(bytes: number): number {
  return Math.round((bytes / gib) * 10) / 10;
}

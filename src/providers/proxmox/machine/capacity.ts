import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { flagOf, listOf, numberOf, type Row, recordOf, rowOf, textOf } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { Session } from './session.ts';

/** A node with its memory, as far as the token may see it. */
export interface NodeRow {
  readonly node: string;
  readonly online: boolean;
  readonly memoryBytes: number | undefined;
  readonly usedBytes: number | undefined;
}

/** A storage as one node has it. */
export interface StorageRow {
  readonly node: string;
  readonly storage: string;
  readonly shared: boolean;
  readonly type: string | undefined;
  readonly content: readonly string[];
  readonly available: boolean;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

/**
 * All of the cluster that the token sees, from one request. A machine's row outlives its node by more
 * than a minute: on a node that is not online it tells no state.
 */
export interface ClusterResources {
  readonly machines: readonly Row[];
  readonly nodes: readonly NodeRow[];
  readonly storages: readonly StorageRow[];
}

export async function readClusterResources(session: Session): Promise<ClusterResources> {
  const what = 'look over the cluster';
  const rows = listOf(await session.api.get('/cluster/resources', { what })).map(recordOf);
  const nodes = rows.filter((row) => row['type'] === 'node').map(nodeRow);
  for (const { node } of nodes) session.nodes.add(node);
  const online = new Set(nodes.filter((row) => row.online).map(({ node }) => node));
  const asToldBy = (row: Row): Row => (online.has(row.node) ? row : { ...row, status: undefined });
  return {
    machines: rows.flatMap((row) => rowOf(row) ?? []).map(asToldBy),
    nodes,
    storages: rows.filter((row) => row['type'] === 'storage').map(storageRow),
  };
}

function nodeRow(row: Readonly<Record<string, unknown>>): NodeRow {
  return {
    node: textOf(row['node']) ?? '',
    online: row['status'] === 'online',
    memoryBytes: numberOf(row['maxmem']),
    usedBytes: numberOf(row['mem']),
  };
}

function storageRow(row: Readonly<Record<string, unknown>>): StorageRow {
  return {
    node: textOf(row['node']) ?? '',
    storage: textOf(row['storage']) ?? '',
    shared: flagOf(row['shared']),
    type: textOf(row['plugintype']),
    content: (textOf(row['content']) ?? '').split(','),
    available: row['status'] === 'available',
    totalBytes: numberOf(row['maxdisk']) ?? 0,
    usedBytes: numberOf(row['disk']) ?? 0,
  };
}

// ---- capacity ----

const gib = 1024 ** 3;
/** Storages that take all of a disk's size at once; on others disks grow as they are written to. */
const thick = new Set(['lvm', 'iscsi', 'iscsidirect', 'zfs']);

/** Fails while nothing has been made yet when the node has not the memory for the instance. */
export function checkMemory(
  { node, min_free_memory_gb }: Settings,
  { nodes }: ClusterResources,
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
  throw noCapacity(
    `${node} has ${inGib(free)} GiB of memory free, ${instance.name} needs ${inGib(instance.memoryBytes)} and ${min_free_memory_gb} have to stay free`,
  );
}

/** Fails when the storage cannot take a disk of that size, or is nearly full already. */
export function checkStorage(
  { min_free_storage_percent: floor }: Pick<Settings, 'min_free_storage_percent'>,
  storages: readonly StorageRow[],
  place: { readonly node: string; readonly storage: string; readonly sizeBytes: number },
): void {
  const rows = storages.filter((each) => each.storage === place.storage);
  // Another node may be down, and its row of a shared storage as old as that.
  const row = rows.find((each) => each.node === place.node) ?? rows.find((each) => each.shared);
  // Not shown without the right Datastore.Audit; Proxmox VE then has the last word.
  if (row === undefined || row.totalBytes === 0) return;
  const free = row.totalBytes - row.usedBytes;
  const percent = Math.floor((free / row.totalBytes) * 100);
  const needed = thick.has(row.type ?? '') ? place.sizeBytes : 0;
  if (percent >= floor && free >= needed) return;
  throw noCapacity(
    `storage ${place.storage} is ${100 - percent} % full (${floor} % have to stay free), needed are ${inGib(place.sizeBytes)} GiB`,
  );
}

function noCapacity(what: string): Failure {
  return new Failure('conflict', `Not enough capacity: ${what}`, {
    advice: 'Nothing was made; another host may have capacity',
    tenant: 'There is no capacity for this instance right now',
  });
}

function inGib(bytes: number): number {
  return Math.round((bytes / gib) * 10) / 10;
}

import { flagOf, listOf, numberOf, type Row, recordOf, rowOf, textOf } from '../api/wire.ts';
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

/** All of the cluster that the token sees, from one request. */
export interface Survey {
  readonly machines: readonly Row[];
  readonly nodes: readonly NodeRow[];
  readonly storages: readonly StorageRow[];
}

export async function survey(session: Session): Promise<Survey> {
  const what = 'look over the cluster';
  const rows = listOf(await session.api.get('/cluster/resources', { what })).map(recordOf);
  return {
    machines: rows.flatMap((row) => rowOf(row) ?? []),
    nodes: rows.filter((row) => row['type'] === 'node').map(nodeRow),
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

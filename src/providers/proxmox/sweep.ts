import { Failure } from '../../failure.ts';
import { readIndex } from './index-tag.ts';
import {
  configIfThere,
  listMachines,
  nodeLimitMs,
  type Seen,
  seenByConfig,
  seenByIndex,
  unseen,
} from './inventory.ts';
import type { Rig } from './rig.ts';
import type { Row } from './wire.ts';

/** As many as there are connections: what waits for one must not have its time running. */
const atOnce = 4;

/** Every machine that may be ours: nearly all by their tags, what has none by its configuration. */
export async function lookAtAll(rig: Rig): Promise<readonly Seen[]> {
  const rows = await listMachines(rig);
  const tagged = rows.flatMap((row) => {
    const index = readIndex(row.tags);
    return index === undefined ? [] : [seenByIndex(row, index)];
  });
  const others = rows.filter((row) => readIndex(row.tags) === undefined && mayBeOurs(rig, row));
  return [...tagged, ...(await readEach(rig, others))];
}

/** Whether a machine without an index is worth a look, by what the cluster's list shows. */
export function mayBeOurs({ settings }: Rig, { vmid, name, pool, template }: Row): boolean {
  const { low, high } = settings.vmid_range;
  if (template) return false;
  if (isInstanceName(name)) return true;
  return settings.pool === undefined ? vmid >= low && vmid <= high : pool === settings.pool;
}

export function isInstanceName(name: string | undefined): boolean {
  return name !== undefined && /^i-\d+-\d+-/i.test(name);
}

/**
 * Machines by their configurations, in the order of the rows. Of a node that once did not answer
 * nothing more is asked: all its machines together would take the time of the others.
 */
export function readEach(
  rig: Rig,
  rows: readonly Row[],
  options: { readonly current?: boolean } = {},
): Promise<readonly Seen[]> {
  const silent = new Set<string>();
  return inTurns(rows, async (row) => {
    if (silent.has(row.node)) return unseen(row);
    try {
      const config = await configIfThere(rig, row, { limitMs: nodeLimitMs, ...options });
      return config === undefined ? unseen(row) : seenByConfig(row, config);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (failure.outage || rig.api.deadline.remainingMs() === 0) throw failure;
      if (/^(timeout|unreachable)$/.test(failure.kind)) silent.add(row.node);
      rig.context.log('machine.unseen', { machine: row.vmid, error: failure.message });
      return unseen(row);
    }
  });
}

async function inTurns<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < list.length) {
      const at = next;
      next += 1;
      results[at] = await work(list[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, worker));
  return results;
}

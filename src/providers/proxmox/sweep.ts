import { expectFailure } from '../../failure.ts';
import { isOnTheWay } from '../../kit/http/trouble.ts';
import { mapLimit } from '../../kit/map-limit.ts';
import {
  configIfThere,
  indexOf,
  isInstanceName,
  listAll,
  nodeLimitMs,
  type Seen,
  seenByConfig,
  seenByIndex,
  unseen,
} from './inventory.ts';
import type { Rig } from './rig.ts';
import { keepTagged, readTagged } from './tagged.ts';
import type { Row } from './wire.ts';

/** As many as there are connections: what waits for one must not have its time running. */
const atOnce = 4;

/**
 * Every machine that may be ours: nearly all by their tags, what has none by its configuration. Fails
 * unless the token sees all there are.
 */
export async function lookAtAll(rig: Rig): Promise<readonly Seen[]> {
  const rows = await listAll(rig);
  const known = readTagged(rig);
  const tagged: Seen[] = [];
  const others: Row[] = [];
  for (const row of rows) {
    const index = indexOf(row);
    if (index !== undefined) tagged.push(seenByIndex(row, index));
    else if (mayBeOurs(rig, row) || known.has(row.vmid)) others.push(row);
  }
  const read = await readEach(rig, others);
  const hidden = [...tagged, ...read].filter((seen) => isHidden(rig, seen));
  keepTagged(
    rig,
    known,
    hidden.map(({ row }) => row.vmid),
  );
  return [...tagged, ...read];
}

/** Ours, and without its tag nothing in the list would tell. */
function isHidden(rig: Rig, { row, mark }: Seen): boolean {
  if (mayBeOurs(rig, row) || mark === undefined) return false;
  // What cannot be read now may be ours as before.
  return mark === 'unreadable' || ['', rig.context.installation].includes(mark.installation);
}

/** Whether a machine without an index is worth a look, by what the cluster's list shows. */
export function mayBeOurs({ settings }: Rig, { vmid, name, pool, template }: Row): boolean {
  const { low, high } = settings.vmid_range;
  if (template) return false;
  if (isInstanceName(name)) return true;
  return settings.pool === undefined ? vmid >= low && vmid <= high : pool === settings.pool;
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
  return mapLimit(rows, atOnce, async (row) => {
    if (silent.has(row.node)) return unseen(row);
    try {
      const config = await configIfThere(rig, row, { limitMs: nodeLimitMs, ...options });
      return config === undefined ? unseen(row) : seenByConfig(row, config);
    } catch (thrown) {
      const { outage, message: error } = expectFailure(thrown);
      if (outage || rig.api.deadline.remainingMs() === 0) throw thrown;
      if (isOnTheWay(thrown)) silent.add(row.node);
      rig.context.log('machine.unseen', { machine: row.vmid, error });
      return unseen(row);
    }
  });
}

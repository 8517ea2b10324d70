import { expectFailure } from '../../../failure.ts';
import { fewAtOnce } from '../../../kit/few-at-once.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import type { Row } from '../api/wire.ts';
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
} from './read.ts';
import type { Session } from './session.ts';
import { keepTagged, readTagged } from './tagged.ts';

/** As many as there are connections: what waits for one must not have its time running. */
const atOnce = 4;

/**
 * Every machine that may be ours: nearly all by their tags, what has none by its configuration. Fails
 * unless the token sees all there are.
 */
export async function lookAtAll(session: Session): Promise<readonly Seen[]> {
  const rows = await listAll(session);
  const known = readTagged(session);
  const tagged: Seen[] = [];
  const others: Row[] = [];
  for (const row of rows) {
    const index = indexOf(row);
    if (index !== undefined) tagged.push(seenByIndex(row, index));
    else if (mayBeOurs(session, row) || known.has(row.vmid)) others.push(row);
  }
  const read = await readEach(session, others);
  const hidden = [...tagged, ...read].filter((seen) => isHidden(session, seen));
  keepTagged(
    session,
    known,
    hidden.map(({ row }) => row.vmid),
  );
  return [...tagged, ...read];
}

/** Ours, and without its tag nothing in the list would tell. */
function isHidden(session: Session, { row, mark }: Seen): boolean {
  if (mayBeOurs(session, row) || mark === undefined) return false;
  // What cannot be read now may be ours as before.
  return mark === 'unreadable' || ['', session.context.installation].includes(mark.installation);
}

/** Whether a machine without an index is worth a look, by what the cluster's list shows. */
export function mayBeOurs({ settings }: Session, { vmid, name, pool, template }: Row): boolean {
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
  session: Session,
  rows: readonly Row[],
  options: { readonly current?: boolean } = {},
): Promise<readonly Seen[]> {
  const silent = new Set<string>();
  return fewAtOnce(rows, atOnce, async (row) => {
    if (silent.has(row.node)) return unseen(row);
    try {
      const config = await configIfThere(session, row, { limitMs: nodeLimitMs, ...options });
      return config === undefined ? unseen(row) : seenByConfig(row, config);
    } catch (thrown) {
      const { outage, message: error } = expectFailure(thrown);
      if (outage || session.api.deadline.remainingMs() === 0) throw thrown;
      if (isOnTheWay(thrown)) silent.add(row.node);
      session.context.log('machine.unseen', { machine: row.vmid, error });
      return unseen(row);
    }
  });
}

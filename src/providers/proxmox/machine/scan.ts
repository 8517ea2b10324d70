import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { parseJson } from '../../../kit/json.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { readNote, removeNote, writeNote } from '../../../kit/note-file.ts';
import { poll } from '../../../kit/poll.ts';
import { systemCode } from '../../../kit/system-error.ts';
import type { Row } from '../api/wire.ts';
import { readIndex } from './index-tag.ts';
import {
  indexOf,
  type Machine,
  machineByConfig,
  machineByIndex,
  mayBeOurs,
  unreadMachine,
} from './machine.ts';
import { configIfThere, listMachines, nodeLimitMs } from './read.ts';
import type { Session } from './session.ts';
import { listAll } from './visibility.ts';

/** As many as there are connections: a request that waits for one would have its time running. */
const atOnce = 4;

/**
 * Every machine that may be ours: nearly all by their tags, a machine without an index by its
 * configuration. Fails unless the token sees all there are, and which of them are in the pool.
 */
export async function scanOwned(session: Session): Promise<readonly Machine[]> {
  const rows = await listAll(session, { byPool: true });
  const known = readTagged(session);
  const tagged: Machine[] = [];
  const others: Row[] = [];
  for (const row of rows) {
    const index = indexOf(row);
    if (index !== undefined) tagged.push(machineByIndex(row, index));
    else if (mayBeOurs(session.settings, row) || known.has(row.vmid)) others.push(row);
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
function isHidden(session: Session, { row, mark }: Machine): boolean {
  if (mayBeOurs(session.settings, row) || mark === undefined) return false;
  // A machine that cannot be read now may be ours as before.
  return mark === 'unreadable' || ['', session.context.installation].includes(mark.installation);
}

/**
 * Machines by their configurations, in the order of the rows. Of a node that once did not answer
 * nothing more is asked: all its machines together would take the time of the others.
 */
export function readEach(
  session: Session,
  rows: readonly Row[],
  options: { readonly current?: boolean } = {},
): Promise<readonly Machine[]> {
  const silent = new Set<string>();
  return mapLimit(rows, atOnce, async (row) => {
    if (silent.has(row.node)) return unreadMachine(row);
    try {
      const config = await configIfThere(session, row, { limitMs: nodeLimitMs, ...options });
      return config === undefined ? unreadMachine(row) : machineByConfig(row, config);
    } catch (thrown) {
      const { outage, message: error } = expectFailure(thrown);
      if (outage || session.context.deadline.remainingMs() === 0) throw thrown;
      if (isOnTheWay(thrown)) silent.add(row.node);
      session.context.log('machine.unseen', { machine: row.vmid, error });
      return unreadMachine(row);
    }
  });
}

// ---- machines that only their tag tells ----

/*
 * A machine that has neither the pool nor an id nor a name of ours is told in a list by its index tag
 * alone. Reports run every minute and see the tag: they keep its id in a file, so that the machine is
 * looked at and not left out, which would mean gone, when a person takes the tag away.
 */

/** The ids that were told by their tags alone in an earlier report; none where nothing was kept. */
function readTagged(session: Session): ReadonlySet<number> {
  const ids = parseJson(readText(session));
  return new Set(Array.isArray(ids) ? ids.filter((id) => Number.isInteger(id)) : []);
}

/** Keeps the ids for the next report, if they are others than before. */
function keepTagged(session: Session, before: ReadonlySet<number>, now: readonly number[]): void {
  if (before.size === now.length && now.every((id) => before.has(id))) return;
  try {
    if (now.length === 0) removeNote(fileOf(session));
    else writeNote(fileOf(session), JSON.stringify(now));
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    session.context.log('tagged.unkept', { machines: now, level: 'warn' });
  }
}

function readText(session: Session): string {
  try {
    return readNote(fileOf(session), Date.now())?.text ?? '';
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    return '';
  }
}

/** A file for each cluster, as far as its address tells. */
function fileOf({ settings, context }: Session): string {
  const name = settings.url.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 100);
  return `${context.stateDirectory('proxmox')}/tagged-${name}`;
}

// ---- adopting ----

/** Lists show a tag with a node's next broadcast, which is due every ten seconds. */
const listedMs = 15_000;

/** The machine under this id as it is now. */
export async function readMachine(
  session: Session,
  remoteId: string,
): Promise<Machine | undefined> {
  const row = (await listMachines(session)).find(({ vmid }) => String(vmid) === remoteId);
  const config = row === undefined ? undefined : await configIfThere(session, row);
  return row === undefined || config === undefined ? undefined : machineByConfig(row, config);
}

/** Waits for the tag in the list: a machine that only its tag tells would be missing until then. */
export async function untilListed(
  session: Session,
  { row, vmid }: Machine,
  { uuid }: Instance,
): Promise<void> {
  if (mayBeOurs(session.settings, row)) return;
  const endMs = performance.now() + listedMs;
  const doing = `waiting until the lists show whose machine ${vmid} is`;
  await poll(session.context.deadline, doing, async () => {
    const listed = (await listMachines(session)).find((each) => each.vmid === vmid);
    return readIndex(listed?.tags)?.uuid === uuid || performance.now() > endMs ? true : undefined;
  });
}

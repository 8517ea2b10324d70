import type { Deadline } from '../../../contract/context.ts';
import { order, readMetadata, unless } from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import { findPool } from '../api/volumes.ts';
import { removeDisks } from './disk.ts';
import { findMachine, isOff, type Machine } from './machines.ts';
import { madeIn, uris } from './marks.ts';
import type { Session } from './session.ts';

/** Saved memory, the records of snapshots and checkpoints, and the firmware's variables go with it. */
const withEverything = 1 + 2 + 4 + 16;

/**
 * Removes the machine and the disks that were made for it, running or not; succeeds for one that is gone
 * already. The domain goes last, so that a removal that breaks off is found again by its mark.
 */
export async function removeMachine(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<void> {
  const { client } = session;
  const now = await findMachine(client, machine.remoteId, deadline);
  if (now === undefined) return;
  if (!isOff(now)) await switchOff(session, now, deadline);
  const made = madeIn(
    await unless(readMetadata(client, now.domain, uris.made, deadline), 'noDomain'),
  );
  if (made !== undefined) {
    const pool = await findPool(client, made.pool, deadline);
    await removeDisks(client, pool, now.remoteId, deadline);
  }
  await unless(order(client, now.domain, 'undefine', deadline, withEverything), 'noDomain');
}

/** Succeeds for a machine that is off already, or that was gone with its power. */
export async function switchOff(
  { client }: Session,
  { domain }: Machine,
  deadline: Deadline,
): Promise<void> {
  try {
    await order(client, domain, 'destroy', deadline);
  } catch (thrown) {
    if (!hasCode(thrown, 'operationInvalid', 'noDomain')) throw thrown;
  }
}

import type { Deadline } from '../../../contract/context.ts';
import { order, unless } from '../api/domains.ts';
import { hasCode } from '../api/errors.ts';
import { readDescription } from './hardware.ts';
import { findMachine, isOff, type Machine } from './machines.ts';
import { poolsIn, removeVolume, volumesOf } from './pools.ts';
import type { Session } from './session.ts';

/** Saved memory, the records of snapshots and checkpoints, and the firmware's variables go with it. */
const withEverything = 1 + 2 + 4 + 16;

/**
 * Removes the machine and all volumes that were made for it, running or not; succeeds for one that is gone
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
  const description = await unless(readDescription(session, now, 'whenOff', deadline), 'noDomain');
  if (description === undefined) return;
  const own = await volumesOf(client, now.remoteId, poolsIn(description), deadline);
  for (const { volume } of own) await removeVolume(client, volume, deadline);
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

import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { markOf } from './annotations.ts';

/*
 * MAAS keeps annotations when it takes a machine away from its owner (mark_broken), when an administrator
 * takes it over (rescue mode), and when another user claims it afterwards. Owner and agent name go at once.
 */

/** The states in which a machine always has the agent name that it was claimed under. */
const claimed: readonly number[] = [status.allocated, status.deploying, status.failedDeployment];

/**
 * Why MAAS's own record speaks against the mark that the machine carries; `undefined` when it does not.
 *
 * `account` is the user of the key. `isClaimed` says whether MAAS finds the machine under the agent name of
 * the instance; a machine that was adopted never had that name.
 */
export function disownedBy(
  machine: Machine,
  account: string,
  isClaimed: boolean,
): string | undefined {
  const mark = markOf(machine);
  if (typeof mark !== 'object') return undefined;
  const { owner, status: now, status_name: word } = machine;
  if (owner !== '' && owner !== account) return `belongs to the MAAS user ${owner}`;
  // A release takes the agent name and later the owner away; the mark goes last of all.
  if (isLeaving(now) || isStuck(now)) return undefined;
  if (owner === '' || now === status.broken) return `MAAS took it away from it ("${word}")`;
  const hasName = mark.origin === 'created' || claimed.includes(now);
  return hasName && !isClaimed ? 'MAAS does not have it claimed for this instance' : undefined;
}

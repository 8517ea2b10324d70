import { Failure } from '../../../failure.ts';
import * as allMachines from '../api/commands/all-machines.ts';
import type { DiskUsers } from '../api/wire.ts';
import { type HostMachine, nameOf } from './list.ts';
import { ask, type Session } from './session.ts';

/*
 * A disk that another machine's disk builds on must not be changed or deleted. A disk that cannot be read
 * may build on any other: it counts as one that does.
 */

/** The users of these disks besides the machine with this id. */
export function usersOf(
  session: Session,
  id: string,
  paths: readonly string[],
): Promise<DiskUsers> {
  return ask(session, allMachines.users, { id, paths, all: false });
}

/** Fails when another machine uses one of these files, or may do so. */
export async function checkUsers(
  session: Session,
  machine: HostMachine,
  paths: readonly string[],
): Promise<void> {
  refuseUsers(await usersOf(session, machine.remoteId, paths), nameOf(machine));
}

export function refuseUsers({ used, unread }: DiskUsers, name: string): void {
  if (used.length > 0) {
    throw new Failure('conflict', `Disks of ${name} are used by other machines: ${listed(used)}`, {
      advice:
        'Find out which of the two is right first: nothing may be changed in these files while those machines need them',
      tenant: 'The disk of this instance is still in use; ask your administrator',
    });
  }
  if (unread.length === 0) return;
  throw new Failure(
    'conflict',
    `Nothing proves that no other disk builds on those of ${name}: the host does not let the account read ${listed(unread)}`,
    {
      advice: unreadAdvice,
      tenant: 'Nothing proves that the disk of this instance is free; ask your administrator',
    },
  );
}

export const unreadAdvice: string =
  'Give the account Read on these files (icacls), or wait for the backup that holds them; a machine whose disk is gone for good has to lose its drive';

const most = 5;

/** The disks with their machines, and the reason why one cannot be read. */
export function listed(
  disks: readonly { readonly path: string; readonly vm: string; readonly why?: string }[],
): string {
  const shown = disks
    .slice(0, most)
    .map(({ path, vm, why }) => `${path} of ${vm}${why === undefined ? '' : ` (${why})`}`);
  const more = disks.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

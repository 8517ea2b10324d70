import { Failure } from '../../../failure.ts';
import { steps } from '../api/commands.ts';
import type { Details } from '../api/wire.ts';
import { allPlaces } from './disk.ts';
import type { Found } from './find.ts';
import type { Rig } from './session.ts';

/*
 * Who else uses the disks of an instance: another machine may have one of them, or a disk of its own
 * that builds on it.
 */

/** Fails when another machine uses one of these files. */
export async function checkUsers(
  { host }: Rig,
  { id, mark }: Found,
  paths: readonly string[],
): Promise<void> {
  const { used } = await host.ask(steps.users, { id, paths });
  if (used.length === 0) return;
  throw new Failure(
    'conflict',
    `Disks of ${mark.name} are used by other machines: ${[...new Set(used)].join(', ')}`,
    {
      advice: 'Remove those machines or give them disks of their own first',
      tenant: 'The disk of this instance is still in use; ask your administrator',
    },
  );
}

/** What is merged into a disk changes it for whoever builds on it. */
export function checkMerge(rig: Rig, found: Found, { disks }: Details): Promise<void> {
  // Hyper-V names the file of a checkpoint after the disk that it is merged into.
  const bases = disks.map(({ path }) => path.replace(/_[0-9a-f-]{36}\.a(vhdx?)$/i, '.$1'));
  return checkUsers(rig, found, [...bases, ...allPlaces(rig.settings, found.mark)]);
}

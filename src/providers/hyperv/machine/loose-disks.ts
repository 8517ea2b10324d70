import { steps } from '../api/commands.ts';
import { pathKey } from '../api/paths.ts';
import type { Inventory } from '../api/wire.ts';
import { allPlaces } from './disk.ts';
import type { Seen } from './listing.ts';
import { nobody, type Rig } from './session.ts';

/*
 * A disk is made before it is connected, and a Reinstall makes one beside the other. Whoever is
 * killed in between leaves a file that Hyper-V shows nowhere.
 */

/** Files in the places of marked machines that nothing on the host uses, by the machine's id. */
export async function looseDisks(
  rig: Rig,
  machines: readonly Seen[],
  { machines: held, files }: Inventory,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { host, settings } = rig;
  const connected = new Set(held.flatMap(({ disks }) => disks.map(pathKey)));
  const free = new Map(files.map((file) => [pathKey(file), file]));
  const suspects = machines.flatMap(({ remoteId, mark }) => {
    if (typeof mark !== 'object' || mark.remoteId !== remoteId) return [];
    const keys = allPlaces(settings, mark).map(pathKey);
    const own = keys.flatMap((key) => (connected.has(key) ? [] : (free.get(key) ?? [])));
    return own.length === 0 ? [] : [{ id: remoteId, uuid: mark.uuid, own }];
  });
  const paths = suspects.flatMap(({ own }) => own);
  if (paths.length === 0) return new Map();
  // A disk with checkpoints is used only as the parent of the one that is connected.
  const used = new Set((await host.ask(steps.users, { id: nobody, paths })).used.map(pathKey));
  const loose = new Map<string, readonly string[]>();
  for (const { id, uuid, own } of suspects) {
    const left = own.filter((file) => !used.has(pathKey(file)));
    // Another action that is at the instance right now knows what it makes.
    if (left.length > 0 && (await host.ask(steps.lock, { uuid, forMs: 0 })).got) {
      loose.set(id, left);
    }
  }
  return loose;
}

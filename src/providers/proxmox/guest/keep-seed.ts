import type { Config } from '../api/wire.ts';
import type { Change } from '../machine/config.ts';
import { formOf, isEmpty, writeConfig } from '../machine/config.ts';
import { tellsGuest } from '../machine/disks.ts';
import type { Place } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { seedsIn } from './drives.ts';
import { isOverSeed } from './missing-seed.ts';

/**
 * Brings today's drive with the seed back after disks were put back with the drives of that day, and
 * takes away what that day told the guest. A seed that is gone is left to the next start.
 */
export async function keepSeed(
  session: Session,
  place: Place,
  { today, now }: { readonly today: Config; readonly now: Config },
): Promise<void> {
  const change = changeTo(today, now);
  if (isEmpty(change)) return;
  try {
    const what = `keep the seed of machine ${place.vmid}`;
    await writeConfig(session, place, formOf(change), what);
  } catch (thrown) {
    if (!isOverSeed(thrown)) throw thrown;
    session.context.log('seed.missing', { machine: place.vmid, level: 'warn' });
  }
}

function changeTo(today: Config, now: Config): Change {
  const seeds = seedsIn(today);
  if (seeds.length === 0 && seedsIn(now).length === 0) return { set: {}, remove: [] };
  const set = seeds
    .filter(([key, volume]) => now[key]?.split(',')[0] !== volume)
    .map(([key, volume]) => [key, `${volume},media=cdrom`]);
  const remove = Object.keys(now).filter(
    (key) => tellsGuest(now[key] ?? '') && !tellsGuest(today[key] ?? ''),
  );
  return { set: Object.fromEntries(set), remove };
}

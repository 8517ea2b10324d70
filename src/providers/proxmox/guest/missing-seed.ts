import { remoteMessage } from '../../../failure.ts';
import { writeConfig } from '../machine/config.ts';
import { isSeed } from '../machine/disks.ts';
import { type Place, readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { seedsIn } from './drives.ts';

/** Whether a start failed over a seed that is not there any more. */
export function isOverSeed(thrown: unknown): boolean {
  const [, volume] = /volume '([^']+)' does not exist/.exec(remoteMessage(thrown)) ?? [];
  return volume !== undefined && isSeed(volume);
}

/**
 * Empties the drives with seeds: a snapshot, a backup or a move has brought one back that is gone, and
 * the machine would not start. The next start through CloudStack writes it anew.
 */
export async function ejectSeeds(session: Session, place: Place): Promise<void> {
  const seeds = seedsIn(await readConfig(session, place));
  const form = Object.fromEntries(seeds.map(([key]) => [key, 'none,media=cdrom']));
  session.context.log('seed.missing', { machine: place.vmid, level: 'warn' });
  await writeConfig(session, place, form, `empty the drive of machine ${place.vmid}`);
}

import type { Seeding } from '../guest/seed.ts';
import type { Change } from './config.ts';
import type { Session } from './session.ts';

/** The drive with the data for the guest; the code for it is loaded only where there may be one. */
export async function seedChange(
  session: Session,
  seeding: Seeding,
  isNew: boolean,
): Promise<Change> {
  if (!mayHaveSeed(session, seeding)) return { set: {}, remove: [] };
  return (await import('../guest/seed.ts')).seedFor(session, seeding, isNew);
}

/** Fails for data that no storage is set for, before anything is made. */
export async function checkSeed(
  session: Session,
  seeding: Omit<Seeding, 'machine'>,
): Promise<void> {
  if (!mayHaveSeed(session, seeding)) return;
  (await import('../guest/seed.ts')).demandStorage(session, seeding);
}

function mayHaveSeed({ settings }: Session, { instance, blueprint }: Omit<Seeding, 'machine'>) {
  const { seed_storage } = settings;
  const { user_data } = blueprint;
  return seed_storage !== undefined || instance.guest !== undefined || user_data !== undefined;
}

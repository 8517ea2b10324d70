import type { GuestData } from '../../../contract/guest.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { seedImage } from '../../../guest/seed.ts';
import { guestData, needsSeed } from '../../../guest/sources.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Change } from '../machine/config.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';
import { attaching, seedsIn } from './drives.ts';
import { seedName, volumeOf } from './seed-names.ts';
import { listSeeds } from './stored-seeds.ts';
import { uploadImage } from './upload.ts';

export interface Seeding {
  readonly instance: SizedInstance;
  readonly blueprint: Partial<Blueprint>;
  readonly machine: Pick<Machine, 'vmid' | 'node' | 'config'>;
}

const nothing: Change = { set: {}, remove: [] };

/**
 * Brings the seed of an instance onto the storage and answers the drive for it. A file is all that a
 * storage for images takes back, so that each start writes the seed anew.
 *
 * A machine that has none gets one only for data that it needs: a guest that suddenly finds one does
 * the work of a first boot.
 */
export async function seedFor(session: Session, seeding: Seeding, isNew: boolean): Promise<Change> {
  const { seed_storage: storage } = session.settings;
  const guest = dataFor(session, seeding);
  const hadOne = seedsIn(seeding.machine.config).length > 0;
  if (storage === undefined) {
    // A machine that is there has lived without them: its start is not refused.
    if (needsSeed(guest)) session.context.log('seed.no-storage', { level: 'warn' });
    return nothing;
  }
  const { instance, machine } = seeding;
  const place = { node: machine.node, storage };
  const isOwn = instance.guest !== undefined && (isNew || hadOne || needsSeed(guest));
  const saved = isOwn ? undefined : await savedSeed(session, seeding, storage);
  if (saved !== undefined) return attached(machine, volumeOf(storage, saved));
  if (!isOwn && !hadOne && !needsSeed(guest)) return nothing;
  const name = seedName(session.context.installation, { instanceUuid: instance.uuid });
  await uploadImage(session, place, name, seedImage(guest));
  return attached(machine, volumeOf(storage, name));
}

function dataFor(
  { settings }: Session,
  { instance, blueprint, machine }: Omit<Seeding, 'machine'> & Partial<Seeding>,
): GuestData {
  const data = guestData({
    instance,
    userData: blueprint.user_data,
    vendorData: settings.vendor_data,
    askForAddresses: settings.cloud_init === 'dhcp',
  });
  return machine?.config['ostype']?.startsWith('w') ? { ...data, system: 'windows' } : data;
}

/** The seed that the network half has saved for the default NIC, or else for another NIC. */
async function savedSeed(
  session: Session,
  { instance, machine }: Seeding,
  storage: string,
): Promise<string | undefined> {
  const stored = await listSeeds(session, { node: machine.node, storage });
  const nics = [...instance.nics].sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  return nics
    .map(({ uuid }) =>
      stored.find(
        ({ instanceUuid, nicUuid }) => instanceUuid === instance.uuid && nicUuid === uuid,
      ),
    )
    .find((seed) => seed !== undefined)?.name;
}

function attached({ vmid, config }: Seeding['machine'], volume: string): Change {
  const change = attaching(config, volume);
  if (change !== undefined) return change;
  throw new Failure('conflict', `Machine ${vmid} has no free place for a drive with user data`, {
    advice: 'Detach a disk or an image from it',
    tenant: 'The instance has no free place for a drive with its user data',
  });
}

/** Fails for data that no storage is set for. */
export function demandStorage(session: Session, seeding: Omit<Seeding, 'machine'>): void {
  const { instance } = seeding;
  if (session.settings.seed_storage !== undefined) return;
  if (!needsSeed(dataFor(session, seeding))) return;
  const sentence = `${instance.name} has user data or a password, and no storage is set for them`;
  throw new Failure('config', sentence, {
    advice: noStorageAdvice,
    tenant: 'This host takes no user data and no passwords',
  });
}

export const noStorageAdvice =
  'Set seed_storage on the host: a small directory storage of its own with content iso, as the page of the provider describes';

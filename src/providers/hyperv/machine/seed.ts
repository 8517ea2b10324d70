import type { GuestData } from '../../../contract/guest.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { remoteMessage } from '../../../failure.ts';
import { seedImage } from '../../../guest/seed.ts';
import { guestData, needsSeed } from '../../../guest/sources.ts';
import * as seeding from '../api/commands/seeding.ts';
import { isSamePath } from '../api/paths.ts';
import type { Blueprint } from '../blueprint.ts';
import { type HostMachine, ownOf } from './list.ts';
import { seedPlace } from './seed-place.ts';
import { ask, type Session } from './session.ts';

export interface Seeding {
  readonly instance: SizedInstance;
  readonly blueprint: Partial<Blueprint>;
  /** The images in the drives of a machine that is there already. */
  readonly media?: readonly string[];
}

/**
 * Writes the seed of an instance and puts it into a drive. A machine that has none gets one only for
 * data that it needs: a guest that suddenly finds one does the work of a first boot.
 */
export async function placeSeed(
  session: Session,
  machine: HostMachine,
  { instance, blueprint, media }: Seeding,
): Promise<void> {
  const path = seedPlace(session.settings, machine);
  const guest = dataFor(session, instance, blueprint);
  const hasOne = media?.some((each) => isSamePath(each, path)) ?? false;
  const isTold = media === undefined && instance.guest !== undefined;
  if (path === '' || !(hasOne || isTold || needsSeed(guest))) return;
  const image = seedImage(guest);
  try {
    await send(session, machine, path, image);
  } catch (thrown) {
    // The process that had got the first parts was replaced by another one.
    if (!/OutriggerSeedTorn/.test(remoteMessage(thrown))) throw thrown;
    await send(session, machine, path, image);
  }
}

/** Far below what a host takes in one message. */
const partBytes = 32 * 1024;

/** Parts of nothing but zeros are left out, such as the beginning of every image. */
async function send(
  session: Session,
  machine: HostMachine,
  path: string,
  image: Buffer,
): Promise<void> {
  let sent = 0;
  for (let at = 0; at < image.length; at += partBytes) {
    const part = image.subarray(at, at + partBytes);
    if (part.every((byte) => byte === 0)) continue;
    await ask(session, seeding.seedPart, { at, data: part.toString('base64') });
    sent += part.length;
  }
  const whole = { path, bytes: image.length, sent };
  await ask(session, seeding.seed, { ...ownOf(machine), ...whole }, { paths: [path] });
}

/** Hyper-V does not tell which system a guest has: CloudStack, the detail or Secure Boot does. */
function dataFor(
  { settings }: Session,
  instance: SizedInstance,
  { user_data, guest_system, secure_boot }: Partial<Blueprint>,
): GuestData {
  const data = guestData({ instance, userData: user_data, vendorData: settings.vendor_data });
  const isWindows = (guest_system ?? (secure_boot === 'windows' ? 'windows' : '')) === 'windows';
  return isWindows ? { ...data, system: 'windows' } : data;
}

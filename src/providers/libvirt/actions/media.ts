import type { Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import { matchesAny } from '../../../kit/fields.ts';
import { writeTree } from '../../../kit/xml/tree.ts';
import { refused } from '../../../lifecycle/disk-refusals.ts';
import { affects, changeDevice } from '../api/domains.ts';
import { sourceIn } from '../machine/disk.ts';
import { type DiskFile, withFile } from '../machine/drive-elements.ts';
import { imageDriveIn } from '../machine/drives.ts';
import { readDescription } from '../machine/hardware.ts';
import { isOff, type Machine } from '../machine/machines.ts';
import type { Session } from '../machine/session.ts';

export async function attachIso(
  session: Session,
  machine: Machine,
  iso: string,
  deadline: Deadline,
): Promise<Outcome> {
  const { allowed_isos: allowed, iso_pool: pool } = session.settings;
  if (pool === undefined) throw refused('config', 'No pool of ISO images is set here (iso_pool)');
  if (allowed !== undefined && !matchesAny(iso, allowed)) {
    throw refused('denied', 'This image is not among those that are allowed here');
  }
  const { file } = await sourceIn(session.client, pool, iso, deadline);
  await changeMedia(session, machine, file, deadline);
  return { message: 'The image is in the drive' };
}

/** Puts the image into the drive, beside the one with the data for the guest; without a file takes it out. */
export async function changeMedia(
  session: Session,
  machine: Machine,
  file: DiskFile | undefined,
  deadline: Deadline,
): Promise<void> {
  const drive = imageDriveIn(await readDescription(session, machine, 'now', deadline));
  if (drive === undefined)
    throw refused('conflict', 'The machine of this instance has no CD drive');
  const flags = affects.config + (isOff(machine) ? 0 : affects.live);
  const ask = { what: `change the image in the drive of ${machine.domain.name}`, deadline, flags };
  const xml = writeTree(withFile(drive, file));
  await changeDevice(session.client, machine.domain, 'updateDevice', xml, ask);
}

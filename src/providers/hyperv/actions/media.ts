import type { Outcome } from '../../../contract/action.ts';
import { matchesAny } from '../../../kit/fields.ts';
import * as changing from '../api/commands/changing.ts';
import * as inspecting from '../api/commands/inspecting.ts';
import { isSamePath } from '../api/paths.ts';
import { noFile } from '../machine/capacity.ts';
import { type HostMachine, ownOf } from '../machine/list.ts';
import { seedPlace } from '../machine/seed-place.ts';
import { ask, refused, type Session } from '../machine/session.ts';
import { settle } from '../machine/settle.ts';

export async function attachIso(
  session: Session,
  machine: HostMachine,
  iso: string,
): Promise<Outcome> {
  const { allowed_isos, vhd_path: folder } = session.settings;
  if (!matchesAny(iso, allowed_isos)) {
    throw refused('denied', 'This image is not among those that are allowed here');
  }
  const wanted = { folder, template: '', iso };
  const resources = await ask(session, inspecting.resources, wanted, { paths: [iso] });
  if (!resources.iso) throw noFile('ISO image', iso);
  await changeMedia(session, machine, iso);
  return { message: 'The image is in the drive' };
}

/** Puts the image into the drive; without a path takes it out. */
export function changeMedia(session: Session, machine: HostMachine, iso: string): Promise<void> {
  const seed = seedPlace(session.settings, machine);
  return settle(
    session,
    machine,
    () => ask(session, changing.media, { ...ownOf(machine), iso, seed }, { paths: [iso] }),
    ({ media }) => {
      const images = media.filter((path) => path !== '' && !isSamePath(path, seed));
      return iso === '' ? images.length === 0 : images.some((path) => isSamePath(path, iso));
    },
  );
}

import type { Outcome } from '../../../contract/action.ts';
import { Failure, type FailureKind } from '../../../failure.ts';
import { writeConfig } from '../machine/config.ts';
import { cdDrive, freeIde } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';

interface Call<Parameters> {
  readonly machine: Machine;
  readonly parameters: Parameters;
}

export async function attachIso(
  session: Session,
  { machine, parameters: { iso_path: iso } }: Call<{ readonly iso_path: string }>,
): Promise<Outcome> {
  const place = cdDrive(machine.config) ?? freeIde(machine.config);
  if (place === undefined)
    throw refused('conflict', 'The instance has no free place for a CD drive');
  const what = `put ${iso} into machine ${machine.vmid}`;
  await writeConfig(session, machine, { [place]: `${iso},media=cdrom` }, what);
  // A drive that is new to a running machine is only plugged in by its next start.
  const now = await readConfig(session, machine, { current: true });
  const later = now[place]?.startsWith(iso) === true ? '' : ' after the next start';
  return { message: `The image is in drive ${place}${later}` };
}

export async function detachIso(
  session: Session,
  { machine }: Pick<Call<unknown>, 'machine'>,
): Promise<Outcome> {
  const drive = cdDrive(machine.config);
  if (drive === undefined || machine.config[drive]?.startsWith('none') === true) {
    return { message: 'There was no image in the drive' };
  }
  const what = `empty the drive of machine ${machine.vmid}`;
  await writeConfig(session, machine, { [drive]: 'none,media=cdrom' }, what);
  return { message: `Drive ${drive} is empty` };
}

/** About the tenant's own instance only, so that any caller may read it. */
function refused(kind: FailureKind, sentence: string): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

import { win32 } from 'node:path';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice, Mark } from '../../../contract/machine.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isUnder } from '../api/paths.ts';
import type { Details, Listed } from '../api/wire.ts';
import { type HostMachine, readDetails } from './list.ts';
import type { Session } from './session.ts';

/*
 * A machine is made by one cmdlet and marked by the next. PowerShell may end in between, and the
 * machine that it leaves is unmarked. Its instance can be told all the same: New-VM itself was given a
 * folder that is named after the instance and its UUID, and the disk only comes after the mark.
 */

/** The instance that an unmarked machine was made for, as far as its folder says. */
export function madeFor(
  { settings }: Pick<Session, 'settings'>,
  { path, notes, name }: Pick<Listed, 'path' | 'notes' | 'name'>,
): Pick<Instance, 'name' | 'uuid'> | undefined {
  if (readMark(notes) !== undefined || !isUnder(path, settings.vm_path)) return undefined;
  const inside = win32.relative(settings.vm_path, path);
  const [, own = '', uuid = '', below] = folder.exec(inside) ?? [];
  const fits = own === name && (below === undefined || below === own);
  return fits && uuid !== '' ? { name: own, uuid: uuid.toLowerCase() } : undefined;
}

const folder = /^([^\\]+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\\([^\\]+))?$/i;

/** Whether the machine never had anything on it, and no mark has been written on it since. */
export function isBare({ notes, state, disks, snapshots }: Details): boolean {
  return (
    readMark(notes) === undefined && state === 'Off' && disks.length === 0 && snapshots.length === 0
  );
}

/** The machine that a killed create of the instance has left unmarked, as one that is being built. */
export async function findUnmarked(
  session: Session,
  { uuid, name }: Instance,
  choice: Choice<HostMachine>,
): Promise<Choice<HostMachine> | undefined> {
  const [only, second] = suspects(choice);
  if (only === undefined || second !== undefined) return undefined;
  const made = madeFor(session, only.listed);
  if (made === undefined || made.uuid !== uuid || made.name !== name) return undefined;
  const details = await readDetails(session, only);
  if (!isBare(details)) return undefined;
  const { installation } = session.context;
  session.context.log('machine.unmarked', { machine: only.remoteId, level: 'warn' });
  const about = { uuid, name, installation, remoteId: only.remoteId };
  const mark: Mark = { ...about, state: 'building', origin: 'created' };
  return { kind: 'own', machine: { ...only, mark } };
}

function suspects(choice: Choice<HostMachine>): readonly HostMachine[] {
  if (choice.kind === 'adoptable') return [choice.machine];
  return choice.kind === 'doubtful' && choice.doubt === 'unmarked' ? choice.machines : [];
}

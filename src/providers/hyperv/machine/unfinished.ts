import { win32 } from 'node:path';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { steps } from '../api/commands.ts';
import { isUnder } from '../api/paths.ts';
import type { Details, Listed } from '../api/wire.ts';
import type { Seen } from './listing.ts';
import type { Rig } from './session.ts';

/*
 * A machine is made by one cmdlet and marked by the next. PowerShell may end in between, and what it
 * leaves is unmarked. What made it is known all the same: New-VM itself was given a folder that is
 * named after the instance and its UUID, and the disk only comes after the mark.
 */

/** The instance that an unmarked machine was made for, as far as its folder says. */
export function madeFor(
  { settings }: Pick<Rig, 'settings'>,
  { path, notes, name }: Pick<Listed, 'path' | 'notes' | 'name'>,
): Pick<Instance, 'name' | 'uuid'> | undefined {
  if (readMark(notes) !== undefined || !isUnder(path, settings.vm_path)) return undefined;
  const inside = win32.relative(settings.vm_path, path);
  const [, own = '', uuid = '', below] = folder.exec(inside) ?? [];
  const fits = own === name && (below === undefined || below === own);
  return fits && uuid !== '' ? { name: own, uuid: uuid.toLowerCase() } : undefined;
}

const folder = /^([^\\]+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\\([^\\]+))?$/i;

/** Nothing was ever on it, and nobody has marked it since. */
export function isBare({ notes, state, disks, snapshots }: Details): boolean {
  return (
    readMark(notes) === undefined && state === 'Off' && disks.length === 0 && snapshots.length === 0
  );
}

/** The instance's machine among those that nobody can tell whose they are, if it is bare. */
export async function unfinished(
  rig: Rig,
  { uuid, name }: Instance,
  choice: Choice<Seen>,
): Promise<Listed | undefined> {
  const [only, second] = suspects(choice);
  if (only === undefined || second !== undefined) return undefined;
  const made = madeFor(rig, only.listed);
  if (made === undefined || made.uuid !== uuid || made.name !== name) return undefined;
  const details = await rig.host.ask(steps.machine, { id: only.remoteId });
  return isBare(details) ? only.listed : undefined;
}

function suspects(choice: Choice<Seen>): readonly Seen[] {
  if (choice.kind === 'adoptable') return [choice.machine];
  return choice.kind === 'doubtful' && choice.doubt === 'unmarked' ? choice.machines : [];
}

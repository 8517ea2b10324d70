import { poll } from '../../../kit/poll.ts';
import * as making from '../api/commands/making.ts';
import { join } from '../api/paths.ts';
import { type Blueprint, gib } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { ask, type Session } from './session.ts';

/** The disk that the machine starts from: empty, a copy, or what differs from the template. */
export async function makeDisk(
  session: Session,
  { template_type, template_path = '', is_full_clone, vhd_size_gb = 0 }: Blueprint,
  path: string,
  name: string,
): Promise<void> {
  const bytes = vhd_size_gb * gib;
  const paths = [template_path, path];
  if (template_type === 'iso') {
    await ask(session, making.disk, { path, parent: '', bytes }, { paths });
    return;
  }
  if (is_full_clone) await copy(session, template_path, path, name);
  else await ask(session, making.disk, { path, parent: template_path, bytes: 0 }, { paths });
  if (bytes > 0) await ask(session, making.grow, { path, bytes }, { paths });
}

/** In portions, so that the end of the time is noticed and the progress known. */
async function copy(session: Session, from: string, to: string, name: string): Promise<void> {
  const { deadline } = session;
  let percent = 0;
  const what = (): string => `copying the template of ${name} (${percent} % done)`;
  const portion = async (): Promise<true | undefined> => {
    const forMs = Math.min(4000, Math.floor(deadline.remainingMs() / 2));
    // Less is not worth a command, and its answer would come too late to tell how far the copy came.
    if (forMs < 100) throw deadline.failure(what());
    const copied = await ask(session, making.copy, { from, to, forMs }, { paths: [from, to] });
    percent = copied.total === 0 ? 100 : Math.floor((copied.bytes * 100) / copied.total);
    return copied.done || undefined;
  };
  await poll(deadline, `copying the template of ${name}`, portion, { firstMs: 1, mostMs: 1 });
}

/**
 * Every machine has two places of its own, so that a new disk is made beside the old one, and a file
 * that was left in either of them is found by its name.
 */
export function diskPlaces(
  { vhd_path }: Settings,
  { name, remoteId }: { readonly name: string; readonly remoteId: string },
  type: string,
): readonly [string, string] {
  const base = join(vhd_path, `${name}-${remoteId}`);
  return [`${base}.${type}`, `${base}-2.${type}`];
}

/** The two places for a disk of either type. */
export function allPlaces(
  settings: Settings,
  of: Parameters<typeof diskPlaces>[1],
): readonly string[] {
  return ['vhdx', 'vhd'].flatMap((type) => diskPlaces(settings, of, type));
}

/** The folder of the machine's configuration, which names its instance. */
export function machineFolder(
  { vm_path }: Settings,
  { name, uuid }: { readonly name: string; readonly uuid: string },
): string {
  return join(vm_path, `${name}-${uuid}`);
}

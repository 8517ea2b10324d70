import { poll } from '../../../kit/poll.ts';
import { steps } from '../api/commands.ts';
import { join } from '../api/paths.ts';
import { type Blueprint, gib } from '../blueprint.ts';
import type { Rig } from './session.ts';

/** The disk that the machine starts from: empty, a copy, or what differs from the template. */
export async function makeDisk(
  rig: Rig,
  { template_type, template_path = '', is_full_clone, vhd_size_gb = 0 }: Blueprint,
  path: string,
  name: string,
): Promise<void> {
  const { host } = rig;
  const bytes = vhd_size_gb * gib;
  const paths = [template_path, path];
  if (template_type === 'iso') {
    await host.ask(steps.disk, { path, parent: '', bytes }, { paths });
    return;
  }
  if (is_full_clone) await copy(rig, template_path, path, name);
  else await host.ask(steps.disk, { path, parent: template_path, bytes: 0 }, { paths });
  if (bytes > 0) await host.ask(steps.grow, { path, bytes }, { paths });
}

/** In portions, so that the end of the time is noticed and the progress known. */
async function copy({ host, context }: Rig, from: string, to: string, name: string): Promise<void> {
  const { deadline } = context;
  let percent = 0;
  const what = (): string => `copying the template of ${name} (${percent} % done)`;
  const portion = async (): Promise<true | undefined> => {
    const forMs = Math.min(4000, Math.floor(deadline.remainingMs() / 2));
    // Less is not worth a question, and whoever asks it would not hear how far the copy came.
    if (forMs < 100) throw deadline.failure(what());
    const said = await host.ask(steps.copy, { from, to, forMs }, { paths: [from, to] });
    percent = said.total === 0 ? 100 : Math.floor((said.bytes * 100) / said.total);
    return said.done || undefined;
  };
  await poll(deadline, `copying the template of ${name}`, portion, { firstMs: 1, mostMs: 1 });
}

/**
 * Every machine has two places of its own, so that a new disk is made beside the old one and
 * whatever was left in either is found by its name.
 */
export function diskPlaces(
  { vhd_path }: Rig['settings'],
  { name, remoteId }: { readonly name: string; readonly remoteId: string },
  type: string,
): readonly [string, string] {
  const base = join(vhd_path, `${name}-${remoteId}`);
  return [`${base}.${type}`, `${base}-2.${type}`];
}

/** The two places for a disk of either type. */
export function allPlaces(
  settings: Rig['settings'],
  of: Parameters<typeof diskPlaces>[1],
): readonly string[] {
  return ['vhdx', 'vhd'].flatMap((type) => diskPlaces(settings, of, type));
}

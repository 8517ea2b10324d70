import type { Undo } from '../../../contract/context.ts';
import { readClusterResources } from '../machine/capacity.ts';
import { writeConfig } from '../machine/config.ts';
import type { Machine } from '../machine/machine.ts';
import type { Place } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { seedsIn } from './drives.ts';
import { isOverSeed } from './missing-seed.ts';

/** Puts back what was taken out; a seed that the node does not have is left to the next start. */
export type PutBack = (session: Session, node: string) => Promise<void>;

/**
 * Takes a machine's seed out before it moves: Proxmox VE moves no machine with an image on a storage
 * that only one node has.
 */
export async function takeSeedOut(
  session: Session,
  machine: Machine,
  undo: Undo,
): Promise<PutBack> {
  const seeds = await localSeeds(session, machine);
  if (seeds.length === 0) return async () => {};
  const { vmid, node: home } = machine;
  const putBack: PutBack = (now, node) => putIn(now, { vmid, node }, seeds);
  undo.add(`put the seed of machine ${vmid} back`, (deadline) =>
    putBack(session.at(deadline), home),
  );
  const empty = Object.fromEntries(seeds.map(([key]) => [key, 'none,media=cdrom']));
  await writeConfig(session, machine, empty, `take the seed out of machine ${vmid}`);
  return putBack;
}

type Seeds = ReturnType<typeof seedsIn>;

async function localSeeds(session: Session, { node, config }: Machine): Promise<Seeds> {
  const seeds = seedsIn(config);
  if (seeds.length === 0) return [];
  const { storages } = await readClusterResources(session);
  const isShared = (volume: string): boolean =>
    storages.some((row) => row.node === node && row.shared && volume.startsWith(`${row.storage}:`));
  return seeds.filter(([, volume]) => !isShared(volume));
}

async function putIn(session: Session, place: Place, seeds: Seeds): Promise<void> {
  const form = Object.fromEntries(seeds.map(([key, volume]) => [key, `${volume},media=cdrom`]));
  try {
    await writeConfig(session, place, form, `put the seed of machine ${place.vmid} back`);
  } catch (thrown) {
    if (!isOverSeed(thrown)) throw thrown;
    session.context.log('seed.left-behind', { machine: place.vmid, level: 'warn' });
  }
}

import type { Disk, DiskDriver } from '../../src/contract/disk.ts';
import type { Stored, World } from './memory-driver.ts';

export interface StoredDisk extends Disk {
  readonly content?: string;
}

const gib = 1024 ** 3;

/** The root disk, which every machine of the world has. */
const root: Disk = { name: 'root', slot: 'slot-root', root: true, sizeBytes: 10 * gib };

/** Data disks in memory; a change over what has changed since is refused, as by a digest. */
export function disksOf(world: World): DiskDriver<Stored> {
  const stored = (remoteId: string): readonly StoredDisk[] => world.read(remoteId).disks ?? [];
  const change = <T>(
    name: string,
    machine: Stored,
    version: string | undefined,
    work: (disks: readonly StoredDisk[]) => readonly [readonly StoredDisk[], T],
  ): Promise<T | 'lost'> =>
    world.change(name, () => {
      const now = stored(machine.remoteId);
      if (version !== undefined && version !== JSON.stringify(now)) return 'lost';
      const [disks, answer] = work(now);
      world.set(machine, { disks });
      return answer;
    });
  const place =
    (name: string, slot: string | undefined) =>
    (disks: readonly StoredDisk[]): StoredDisk[] =>
      disks.map((disk) => (disk.name === name ? { ...disk, slot } : disk));
  return {
    storages: true,
    async list({ remoteId }) {
      world.readAll();
      return { disks: [root, ...stored(remoteId)], version: JSON.stringify(stored(remoteId)) };
    },
    async add(machine, { number, sizeGb, storage }, { version }, { undo }) {
      const name = `data-${number}`;
      const made = { name, number, storage, slot: `slot-${name}`, sizeBytes: sizeGb * gib };
      undo.add(`remove ${name}`, async () => {
        world.set(machine, { disks: stored(machine.remoteId).filter((d) => d.name !== name) });
      });
      return change('addDisk', machine, version, (disks) => [[...disks, made], made]);
    },
    detach: (machine, { name }, { version }) =>
      change('detachDisk', machine, version, (disks) => [place(name, undefined)(disks), undefined]),
    attach: (machine, disk, { version }) =>
      change('attachDisk', machine, version, (disks) => {
        const slot = disk.slot ?? `slot-${disk.name}`;
        return [place(disk.name, slot)(disks), { ...disk, slot }];
      }),
    remove: (machine, { name }, { version }) =>
      change('removeDisk', machine, version, (disks) => [
        disks.filter((disk) => disk.name !== name),
        undefined,
      ]),
    async resize(machine, { name }, sizeGb) {
      await change('resizeDisk', machine, undefined, (disks) => [
        disks.map((disk) => (disk.name === name ? { ...disk, sizeBytes: sizeGb * gib } : disk)),
        undefined,
      ]);
    },
  };
}

/** Changes some of the primitives of disks. */
export function replaceDisks(world: World, primitives: Partial<DiskDriver<Stored>>): void {
  world.replaced = { disks: async () => ({ ...disksOf(world), ...primitives }) };
}

import type { Disk, DiskDriver } from '../../../contract/disk.ts';
import type { DataDisk, Machine } from '../api/machine.ts';
import type { Seen } from '../machine/list.ts';
import type { Session } from '../machine/session.ts';

const gib = 1024 ** 3;

/** Data disks are texts in the machine's file; a lock keeps other calls away, so that none is lost. */
export function disks({ store, task }: Session): DiskDriver<Seen> {
  const set = (remoteId: string, change: (now: readonly DataDisk[]) => readonly DataDisk[]) =>
    store.update(remoteId, (now) => ({ ...now, disks: change(now.disks ?? []) }));
  const connect = (remoteId: string, { number }: Disk, attached: boolean): void => {
    set(remoteId, (all) =>
      all.map((each) => (each.number === number ? { ...each, attached } : each)),
    );
  };
  return {
    storages: true,
    async list({ remoteId }) {
      const machine = store.list().find((found) => found.remoteId === remoteId)?.machine;
      if (machine === undefined) return { disks: [] };
      return { disks: [rootOf(machine), ...(machine.disks ?? []).map(shown)] };
    },
    async add({ remoteId, file }, { number, sizeGb, storage }, _now, { undo, deadline }) {
      const place = storage ?? file?.storage ?? 'local';
      const disk = { number, sizeGb, storage: place, content: newContent(), attached: true };
      undo.add(`remove disk data-${number} of machine ${remoteId}`, async () => {
        set(remoteId, (all) => all.filter((each) => each.number !== number));
      });
      set(remoteId, (all) => [...all, disk]);
      await task(`making disk data-${number}`, deadline);
      return shown(disk);
    },
    async detach({ remoteId }, disk, _now, { deadline }) {
      await task(`detaching disk ${disk.name}`, deadline);
      connect(remoteId, disk, false);
    },
    async attach({ remoteId }, disk, _now, { deadline }) {
      await task(`attaching disk ${disk.name}`, deadline);
      connect(remoteId, disk, true);
      return { ...disk, slot: slotOf(disk) };
    },
    async remove({ remoteId }, { name, number }, _now, { deadline }) {
      await task(`deleting disk ${name}`, deadline);
      set(remoteId, (all) => all.filter((each) => each.number !== number));
    },
    async resize({ remoteId }, { name, number, root }, sizeGb, { deadline }) {
      await task(`growing disk ${name}`, deadline);
      if (root) store.update(remoteId, (now) => ({ ...now, diskSizeGb: sizeGb }));
      else
        set(remoteId, (all) =>
          all.map((one) => (one.number === number ? { ...one, sizeGb } : one)),
        );
    },
  };
}

function rootOf({ diskSizeGb, storage }: Machine): Disk {
  const sizeBytes = diskSizeGb === undefined ? undefined : diskSizeGb * gib;
  return { name: 'root', slot: 'disk0', root: true, storage, sizeBytes };
}

function shown({ number, sizeGb, storage, attached }: DataDisk): Disk {
  const name = `data-${number}`;
  const slot = attached ? slotOf({ number }) : undefined;
  return { name, number, slot, storage, sizeBytes: sizeGb * gib };
}

function slotOf({ number }: Pick<Disk, 'number'>): string {
  return `disk${number}`;
}

/** Unlike that of every other disk. */
function newContent(): string {
  return `empty ${Math.random().toString(16).slice(2, 10)}`;
}

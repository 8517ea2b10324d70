import type { SnapshotDriver } from '../../../contract/snapshot.ts';
import { isRunning, type Machine, type Snapshot } from '../api/machine.ts';
import type { Seen } from '../machine/list.ts';
import type { Session } from '../machine/session.ts';

/** Snapshots are texts in the machine's file; restoring one brings its disk back. */
export function snapshots({ store, task }: Session): SnapshotDriver<Seen> {
  return {
    bootsAfterFailure: true,
    list: async ({ file }) =>
      (file?.snapshots ?? []).map(({ createdAt, ...snapshot }) => ({
        ...snapshot,
        created: new Date(createdAt),
      })),
    async take({ remoteId }, { name, description = '', memory }, { deadline }) {
      await task(`saving snapshot ${name}`, deadline);
      store.update(remoteId, (now) => {
        const about = { name, description, memory: memory && isRunning(now) };
        return { ...now, snapshots: [...now.snapshots, snapshotOf(now, about)] };
      });
    },
    async remove({ remoteId }, { name }, { deadline }) {
      await task(`removing snapshot ${name}`, deadline);
      store.update(remoteId, (now) => ({
        ...now,
        snapshots: now.snapshots.filter((each) => each.name !== name),
      }));
    },
    async restore({ remoteId }, { name }, { deadline }) {
      await task(`restoring snapshot ${name}`, deadline);
      store.update(remoteId, (now) => {
        const saved = now.snapshots.find((each) => each.name === name);
        if (saved === undefined) return now;
        const boots = isRunning(now) ? now.boots + 1 : now.boots;
        const { attached = [], ...configuration } = saved.configuration;
        // As real systems do: that day's configuration comes along, with the mark in it.
        return {
          ...now,
          ...configuration,
          ...withAttached(now, attached),
          diskContent: saved.diskContent,
          boots,
          power: 'off',
        };
      });
    },
    async keepToday({ remoteId, file }) {
      if (file === undefined) return;
      const { cpus, memoryBytes, nics, description } = file;
      store.update(remoteId, (now) => ({ ...now, cpus, memoryBytes, nics, description }));
    },
    async switchOn({ remoteId }) {
      store.update(remoteId, (now) => ({ ...now, power: 'on' }));
    },
  };
}

/** Disks that were not attached that day are parked. */
function withAttached({ disks }: Machine, attached: readonly number[]): Pick<Machine, 'disks'> {
  if (disks === undefined) return {};
  return { disks: disks.map((disk) => ({ ...disk, attached: attached.includes(disk.number) })) };
}

function snapshotOf(
  { cpus, memoryBytes, nics, description, diskContent, disks = [] }: Machine,
  about: Pick<Snapshot, 'name' | 'description' | 'memory'>,
): Snapshot {
  return {
    ...about,
    createdAt: new Date().toISOString(),
    diskContent,
    configuration: {
      ...{ cpus, memoryBytes, nics, description },
      attached: disks.filter((disk) => disk.attached).map(({ number }) => number),
    },
  };
}

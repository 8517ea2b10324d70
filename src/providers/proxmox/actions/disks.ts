import type { Deadline } from '../../../contract/context.ts';
import type { DiskDriver } from '../../../contract/disk.ts';
import { remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { serialOf } from '../../../lifecycle/data-disks.ts';
import { refused } from '../../../lifecycle/disk-refusals.ts';
import { isChanged } from '../api/error-texts.ts';
import { cancel } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import type { Config } from '../api/wire.ts';
import { type ClusterResources, checkStorage } from '../machine/capacity.ts';
import { changeDisks, dropNew } from '../machine/change-disks.ts';
import { writeConfig } from '../machine/config.ts';
import { type DataDisk, dataDisksIn, serialIn, withSizes } from '../machine/data-disks.ts';
import { formatOn, growDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import type { Settings } from '../settings.ts';

const gib = 1024 ** 3;

/** Data disks; `resources` is a look at the cluster that the call may have taken already. */
export function disks(
  session: Session,
  resources: (deadline: Deadline) => Promise<ClusterResources>,
): DiskDriver<Machine, DataDisk> {
  const { at, settings } = session;
  /** As it was listed last, which every change goes by. */
  let config: Config = {};
  return {
    storages: true,
    async list(machine, { instance, deadline }, last = false) {
      config = await readConfig(at(deadline), machine);
      const found = dataDisksIn(config, machine.vmid, instance.uuid);
      const shown = last ? await withSizes(at(deadline), machine, found) : found;
      return { disks: shown, version: config['digest'] };
    },
    async add(machine, wanted, now, { instance, deadline, undo }) {
      const { vmid, node } = machine;
      const storage = wanted.storage ?? now.disks.find(({ root }) => root)?.storage;
      if (storage === undefined) throw refused('usage', 'The disk needs the name of a storage');
      const { storages } = await resources(deadline);
      checkStorage(settings, storages, { node, storage, sizeBytes: wanted.sizeGb * gib });
      const key = freeKey(config, settings);
      const serial = serialOf(instance.uuid, wanted.number);
      const format = formatOn(settings, storages, storage);
      const as = format === undefined ? '' : `,format=${format}`;
      let lost = false;
      undo.add(`remove the new disk ${key} of machine ${vmid}`, async (margin) => {
        if (!lost) await dropNew(at(margin), machine, { key, serial });
      });
      const outcome = await changeDisks(at(deadline), machine, {
        form: { [key]: `${storage}:${wanted.sizeGb}${as},serial=${serial}` },
        what: `give machine ${vmid} a new disk`,
        version: now.version,
        isDone: (then) => serialIn(then[key]) === serial,
      });
      lost = outcome === 'lost';
      if (outcome === 'lost') return outcome;
      if (outcome === 'pending') throw notPlugged();
      const made = await readConfig(at(deadline), machine);
      const disk = dataDisksIn(made, vmid, instance.uuid).find((each) => each.key === key);
      if (disk === undefined) throw notPlugged();
      return disk;
    },
    async detach(machine, { key, volume }, { version }, { deadline }) {
      const what = `detach disk ${key} of machine ${machine.vmid}`;
      const outcome = await changeDisks(at(deadline), machine, {
        ...{ form: { delete: key }, what, version },
        isDone: (then) => then[key]?.split(',')[0] !== volume,
      });
      if (outcome === 'lost') return outcome;
      if (outcome === 'done') return;
      await writeConfig(at(deadline), machine, { revert: key }, `leave ${key} where it is`);
      throw refused(
        'conflict',
        'The guest did not let go of the disk, which stays attached: unmount it, or stop the instance',
      );
    },
    async attach(machine, disk, now, { instance, deadline }) {
      const { volume, slot, number = 1, options } = disk;
      const key =
        slot === undefined || config[slot] !== undefined ? freeKey(config, settings) : slot;
      const serial = `serial=${serialOf(instance.uuid, number)}`;
      const line = [volume, ...(options.length === 0 ? [serial] : options)].join(',');
      const outcome = await changeDisks(at(deadline), machine, {
        form: { [key]: line },
        what: `attach ${volume} to machine ${machine.vmid}`,
        version: now.version,
        isDone: (then) => then[key]?.split(',')[0] === volume,
      });
      if (outcome === 'lost') return outcome;
      if (outcome === 'done') return { ...disk, key, slot: key };
      await writeConfig(at(deadline), machine, { delete: key }, `keep ${volume} detached`);
      throw notPlugged();
    },
    async remove(machine, { key, volume }, { version = '' }, { deadline }) {
      const { vmid, node } = machine;
      try {
        return await run(at(deadline), {
          path: path`/nodes/${node}/qemu/${vmid}/config`,
          params: { delete: key, digest: version },
          what: `delete ${volume} of machine ${vmid}`,
          doing: `deleting a disk of machine ${vmid}`,
        });
      } catch (thrown) {
        if (isChanged(thrown)) return 'lost';
        throw /still in use \(snapshot\?\)/.test(remoteMessage(thrown)) ? inSnapshot() : thrown;
      }
    },
    async resize(machine, { key, volume, storage = '', sizeBytes = 0 }, sizeGb, { deadline }) {
      const disk = { key, volume, storage, sizeBytes };
      await growDisk(at(deadline), machine, sizeGb, { disk });
    },
    async move(machine, disk, storage, { instance, deadline, undo }) {
      const { vmid, node } = machine;
      const { key, sizeBytes = 0 } = disk;
      const { storages } = await resources(deadline);
      checkStorage(settings, storages, { node, storage, sizeBytes });
      const format = formatOn(settings, storages, storage);
      await run(at(deadline), {
        path: path`/nodes/${node}/qemu/${vmid}/move_disk`,
        params: { disk: key, storage, delete: 1, ...(format === undefined ? {} : { format }) },
        what: `move disk ${key} of machine ${vmid} to ${storage}`,
        doing: `moving disk ${key} of machine ${vmid}`,
        takenBack: true,
        begun: (task) =>
          undo.add(`stop moving disk ${key} of machine ${vmid}`, (margin) =>
            cancel(at(margin), task),
          ),
      }).catch((thrown: unknown) => {
        throw /move a disk with snapshots/.test(remoteMessage(thrown)) ? inSnapshot() : thrown;
      });
      const moved = dataDisksIn(await readConfig(at(deadline), machine), vmid, instance.uuid);
      return moved.find((each) => each.key === key) ?? disk;
    },
  };
}

const most = { scsi: 30, virtio: 15 } as const;

function freeKey(config: Config, { data_disk_bus: bus }: Settings): string {
  for (let index = 1; index <= most[bus]; index += 1) {
    if (config[`${bus}${index}`] === undefined) return `${bus}${index}`;
  }
  throw refused('conflict', 'The instance has no free place for a disk');
}

/** SATA and IDE disks never come while a machine runs, others not where its option hotplug forbids it. */
function notPlugged() {
  return refused(
    'conflict',
    'The running instance did not take the disk, which is not attached: stop the instance first',
  );
}

function inSnapshot() {
  return refused(
    'conflict',
    'The disk is in a snapshot of the instance: delete the snapshot first',
  );
}

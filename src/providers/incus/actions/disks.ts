import { randomUUID } from 'node:crypto';
import type { Step } from '../../../contract/context.ts';
import type { Disk, DiskDriver } from '../../../contract/disk.ts';
import { Failure, isKind } from '../../../failure.ts';
import { bytesOf, type Machine } from '../api/wire.ts';
import { addDevice, replace, reread } from '../machine/instances.ts';
import type { Session } from '../machine/session.ts';
import {
  createVolume,
  deviceFor,
  growVolume,
  listVolumes,
  markFor,
  removeVolume,
  slotsOf,
  type Volume,
  volumeName,
} from '../machine/volumes.ts';

/** A data disk with its volume; the root disk has none. */
interface IncusDisk extends Disk {
  readonly volume?: Volume;
}

/** Custom volumes beside the root disk; attached is one that a device of the instance names. */
export function disks(session: Session): DiskDriver<Machine, IncusDisk> {
  const { client } = session;
  return {
    storages: true,
    async list({ remoteId }, { instance, deadline }) {
      const now = await reread(client, remoteId, deadline);
      const volumes = await listVolumes(session, instance.uuid, deadline);
      return { disks: [rootOf(now), ...volumes.map((each) => shown(each, slotsOf(now, each)[0]))] };
    },
    async add(machine, { sizeGb, storage, number }, _now, { instance, undo, deadline }) {
      const pool = storage ?? rootOf(machine).storage;
      const name = volumeName(instance.uuid, number);
      const once = randomUUID();
      const mark = markFor(session, instance, name);
      const made = { pool, name, mark, number, once, size: `${sizeGb}GiB` };
      undo.add(`remove the new volume ${name}`, (margin) =>
        removeNew(session, machine, once, { instance, deadline: margin }),
      );
      try {
        await createVolume(session, machine, made, deadline);
      } catch (thrown) {
        if (!isKind(thrown, 'conflict')) throw thrown;
        const now = await listVolumes(session, instance.uuid, deadline);
        // Another call for the instance has made its disk of this number.
        if (now.some((each) => each.pool === pool && each.name === name)) return 'lost';
        throw taken(pool, name);
      }
      const volume = { ...made, description: '', node: machine.node, users: [] };
      const added = await connect(session, machine, shown(volume), deadline);
      if (added === 'lost') await removeNew(session, machine, once, { instance, deadline });
      return added;
    },
    async detach(machine, { volume, slot }, _now, { deadline }) {
      if (volume === undefined || slot === undefined) return;
      return (await disconnect(session, machine, volume, deadline)) === 'lost' ? 'lost' : undefined;
    },
    attach: (machine, disk, _now, { deadline }) => connect(session, machine, disk, deadline),
    async remove(_machine, { volume }, _now, { deadline }) {
      if (volume !== undefined) await removeVolume(session, volume, deadline);
    },
    async resize(machine, { volume, slot = '' }, sizeGb, { deadline }) {
      const size = `${sizeGb}GiB`;
      if (volume !== undefined) return growVolume(session, volume, size, deadline);
      const larger = ({ incus: { devices, expanded_devices: all } }: Machine) => ({
        config: {},
        devices: { ...devices, [slot]: { ...all[slot], size } },
      });
      await replace(client, machine, larger, deadline);
    },
  };
}

function taken(pool: string, name: string): Failure {
  const text = `Pool ${pool} has a volume ${name}, which carries no mark of this instance`;
  return new Failure('conflict', text, {
    advice: `Look at it with incus storage volume show ${pool} ${name}, and rename or remove it`,
    tenant: 'The place of the new disk is taken; ask your administrator',
  });
}

function rootOf({ remoteId, incus: { expanded_devices: all } }: Machine) {
  const found = Object.entries(all).find(([, { type, path: at }]) => type === 'disk' && at === '/');
  if (found === undefined) throw new Failure('upstream', `${remoteId} has no root disk`);
  const [slot, { pool = '', size }] = found;
  return { name: 'root', slot, root: true, storage: pool, sizeBytes: bytesOf(size) };
}

/** The name says the pool, in which alone a volume's name is unique. */
function shown(volume: Volume, slot?: string): IncusDisk & { readonly volume: Volume } {
  const { pool, number, size } = volume;
  const name = `${pool}/data${number}`;
  return { name, slot, number, storage: pool, sizeBytes: bytesOf(size), volume };
}

/** At the slot that the disk had, else at that of its number, else at the first one that is free. */
async function connect(
  { client }: Session,
  machine: Machine,
  disk: IncusDisk,
  deadline: Step['deadline'],
): Promise<IncusDisk | 'lost'> {
  const { volume, slot: was } = disk;
  if (volume === undefined) return disk;
  const { expanded_devices: taken } = (await reread(client, machine.remoteId, deadline)).incus;
  const slots = [was, `data${volume.number}`, ...numbers.map((number) => `data${number}`)];
  const slot = slots.find((each) => each !== undefined && taken[each] === undefined);
  if (slot === undefined) return 'lost';
  const device = deviceFor(machine, volume, slot);
  const done = await addDevice(client, machine, [slot, device], deadline);
  return done === 'lost' ? done : { ...disk, slot };
}

const numbers = Array.from({ length: 99 }, (_, index) => index + 1);

/** Takes the devices off that name the volume, which may be in use by the guest. */
function disconnect(
  { client }: Session,
  machine: Machine,
  volume: Volume,
  deadline: Step['deadline'],
): Promise<Machine | 'lost'> {
  const without = (now: Machine) => {
    const slots = slotsOf(now, volume);
    if (slots.length === 0) return 'lost';
    const others = Object.entries(now.incus.devices).filter(([slot]) => !slots.includes(slot));
    return { config: {}, devices: Object.fromEntries(others) };
  };
  return replace(client, machine, without, deadline);
}

/** By the note of the call that made it: a volume of the same name may be another call's. */
async function removeNew(
  session: Session,
  machine: Machine,
  once: string,
  { instance, deadline }: Step,
): Promise<void> {
  const all = await listVolumes(session, instance.uuid, deadline);
  for (const volume of all.filter((each) => each.once === once)) {
    await disconnect(session, machine, volume, deadline);
    await removeVolume(session, volume, deadline);
  }
}

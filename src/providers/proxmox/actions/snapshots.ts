import type { Step, Undo } from '../../../contract/context.ts';
import type { Snapshot, SnapshotDriver } from '../../../contract/snapshot.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import { endedWell } from '../api/error-texts.ts';
import { cancel, exitOf } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { flagOf, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { checkStorage, readClusterResources } from '../machine/capacity.ts';
import { disksOf } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { switchOn } from '../machine/power.ts';
import { isRunning, type Place, readConfig, readLive } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { keepToday, memoryMismatch } from './restore.ts';

export function snapshots(session: Session): SnapshotDriver<Machine> {
  const { at } = session;
  let failed = false;
  /** A task that still runs, or its remains, hold the machine: its own failure says so already. */
  const isHeld = async (now: Session, machine: Machine): Promise<boolean> =>
    failed && (await readConfig(now, machine))['lock'] !== undefined;
  return {
    bootsAfterFailure: true,
    reserved: ['current', 'pending'],
    list: (machine, { deadline }) => readSnapshots(at(deadline), machine),
    async take(machine, { name: snapname, description, memory }, { deadline, undo }) {
      await checkSpace(at(deadline), machine);
      const words = description === undefined ? {} : { description };
      const params = { snapname, ...words, ...(memory ? { vmstate: 1 } : {}) };
      await saveSnapshot(at(deadline), machine, undo, params);
    },
    remove: (machine, { name }, { deadline }) => removeSnapshot(at(deadline), machine, name),
    unrestorable: (machine, snapshot, step) =>
      memoryMismatch(at(step.deadline), machine, snapshot, step.ran),
    async restore(machine, { name }, { deadline }) {
      failed = true;
      await rollBack(at(deadline), machine, name);
      failed = false;
    },
    async keepToday(machine, { deadline }) {
      if (!(await isHeld(at(deadline), machine))) await keepToday(at(deadline), machine);
    },
    async switchOn(machine, { deadline }: Step) {
      const now = at(deadline);
      if (await isHeld(now, machine)) return;
      if (!isRunning(await readLive(now, machine))) await switchOn(now, machine);
    },
  };
}

async function readSnapshots(
  { api }: Session,
  { vmid, node }: Place,
): Promise<readonly Snapshot[]> {
  const what = `list the snapshots of machine ${vmid}`;
  const entries = listOf(await api.get(path`/nodes/${node}/qemu/${vmid}/snapshot`, { what }));
  return entries
    .map(recordOf)
    .filter((entry) => entry['name'] !== 'current')
    .map((entry) => ({
      name: textOf(entry['name']) ?? '',
      description: (textOf(entry['description']) ?? '').trim(),
      created: new Date((numberOf(entry['snaptime']) ?? 0) * 1000),
      memory: flagOf(entry['vmstate']),
    }));
}

/** A pool that is full stops every machine on it, so that snapshots leave a floor free. */
async function checkSpace(session: Session, { node, config }: Machine): Promise<void> {
  const { storages } = await readClusterResources(session);
  for (const storage of new Set(disksOf(config).map((disk) => disk.storage))) {
    checkStorage(session.settings, storages, { node, storage, sizeBytes: 0 });
  }
}

/**
 * Makes a snapshot that the undo takes away again, if it was made. A task that fails takes back its
 * own work, and a snapshot of that name would then be another call's.
 */
export async function saveSnapshot(
  session: Session,
  place: Place,
  undo: Undo,
  params: { readonly snapname: string } & Pairs,
): Promise<void> {
  const { vmid, node } = place;
  const { snapname: name } = params;
  const what = `save snapshot ${name} of machine ${vmid}`;
  let task: string | undefined;
  undo.add(`remove snapshot ${name} of machine ${vmid}`, async (deadline) => {
    if (task === undefined) return;
    const margin = session.at(deadline);
    await cancel(margin, task);
    if (!endedWell(await exitOf(margin.api, task, what))) return;
    if (await isThere(margin, place, name)) await removeSnapshot(margin, place, name);
  });
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/snapshot`,
    params,
    what,
    doing: `saving snapshot ${name}`,
    takenBack: true,
    proof: () => isThere(session, place, name),
    begun: (upid) => {
      task = upid;
    },
  });
}

async function removeSnapshot(session: Session, place: Place, name: string): Promise<void> {
  const { vmid, node } = place;
  await run(session, {
    method: 'DELETE',
    path: path`/nodes/${node}/qemu/${vmid}/snapshot/${name}`,
    what: `remove snapshot ${name} of machine ${vmid}`,
    doing: `removing snapshot ${name}`,
    proof: async () => !(await isThere(session, place, name)),
  });
}

async function rollBack(session: Session, { vmid, node }: Place, name: string): Promise<void> {
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/snapshot/${name}/rollback`,
    what: `restore snapshot ${name} of machine ${vmid}`,
    doing: `restoring snapshot ${name}`,
  });
}

async function isThere(session: Session, place: Place, name: string): Promise<boolean> {
  return (await readSnapshots(session, place)).some((each) => each.name === name);
}

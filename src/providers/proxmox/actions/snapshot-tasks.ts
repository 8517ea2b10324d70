import type { Undo } from '../../../contract/context.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import { endedWell } from '../api/remote-error.ts';
import { cancel, exitOf } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { flagOf, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import type { Machine } from '../machine/machine.ts';
import { type Session, under } from '../machine/session.ts';

export interface Snapshot {
  readonly name: string;
  readonly description: string;
  readonly createdAt: string;
  readonly memory: boolean;
}

export async function readSnapshots(
  { api }: Session,
  { vmid, node }: Pick<Machine, 'vmid' | 'node'>,
): Promise<readonly Snapshot[]> {
  const what = `list the snapshots of machine ${vmid}`;
  const entries = listOf(await api.get(path`/nodes/${node}/qemu/${vmid}/snapshot`, { what }));
  return entries
    .map(recordOf)
    .filter((entry) => entry['name'] !== 'current')
    .map((entry) => ({
      name: textOf(entry['name']) ?? '',
      description: (textOf(entry['description']) ?? '').trim(),
      createdAt: new Date((numberOf(entry['snaptime']) ?? 0) * 1000).toISOString(),
      memory: flagOf(entry['vmstate']),
    }));
}

/**
 * Makes a snapshot that the undo takes away again, if it was made. A task that fails takes back
 * what it did by itself, and a snapshot of that name would then be somebody else's.
 */
export async function saveSnapshot(
  session: Session,
  machine: Machine,
  undo: Undo,
  params: { readonly snapname: string } & Pairs,
): Promise<void> {
  const { vmid, node } = machine;
  const { snapname: name } = params;
  const what = `save snapshot ${name} of machine ${vmid}`;
  let task: string | undefined;
  undo.add(`remove snapshot ${name} of machine ${vmid}`, async (deadline) => {
    if (task === undefined) return;
    const margin = under(session, deadline);
    await cancel(margin, task);
    if (!endedWell(await exitOf(margin.api, task, what))) return;
    if (await isThere(margin, machine, name)) await removeSnapshot(margin, machine, name);
  });
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/snapshot`,
    params,
    what,
    doing: `saving snapshot ${name}`,
    takenBack: true,
    proof: () => isThere(session, machine, name),
    begun: (upid) => {
      task = upid;
    },
  });
}

export async function removeSnapshot(
  session: Session,
  machine: Machine,
  name: string,
): Promise<void> {
  const { vmid, node } = machine;
  await run(session, {
    method: 'DELETE',
    path: path`/nodes/${node}/qemu/${vmid}/snapshot/${name}`,
    what: `remove snapshot ${name} of machine ${vmid}`,
    doing: `removing snapshot ${name}`,
    proof: async () => !(await isThere(session, machine, name)),
  });
}

async function isThere(session: Session, machine: Machine, name: string): Promise<boolean> {
  return (await readSnapshots(session, machine)).some((each) => each.name === name);
}

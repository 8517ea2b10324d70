import type { Outcome } from '../../contract/action.ts';
import type { Undo } from '../../contract/context.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { poll } from '../../kit/poll.ts';
import { withUndo } from '../../kit/undo.ts';
import { configIfThere } from './inventory.ts';
import { isRunning, type Live, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import { takeBuilt } from './operations.ts';
import { type Rig, under } from './rig.ts';
import { endedWell } from './said.ts';
import { refused } from './snapshots.ts';
import { cancel, exitOf, overdue } from './task-state.ts';
import { run } from './tasks.ts';

/** Moves a machine to a node that some host speaks for: elsewhere nobody would report it. */
export async function migrate(rig: Rig, instance: Instance, target: string): Promise<Outcome> {
  const { node: own, nodes = [own], other_nodes: others = [] } = rig.settings;
  if (![...nodes, ...others].includes(target)) {
    throw refused(
      'denied',
      `No host speaks for node ${target}; those that one does are in nodes and other_nodes`,
    );
  }
  const machine = await takeBuilt(rig, instance);
  if (machine.node === target) return { message: `The instance is on ${target} already` };
  const live = await readLive(rig, machine);
  await withUndo(rig.context, (undo) => move(rig, { machine, live, target, undo }));
  await arrival(rig, machine, live, target);
  return { message: `The instance is on ${target} now` };
}

interface Move {
  readonly machine: Machine;
  readonly live: Live;
  readonly target: string;
  readonly undo: Undo;
}

/** A move that has to end before its end is cancelled; the machine stays where it was. */
async function move(rig: Rig, { machine, live, target, undo }: Move): Promise<void> {
  const { vmid, node } = machine;
  const what = `move machine ${vmid} from ${node} to ${target}`;
  await run(rig, {
    path: path`/nodes/${node}/qemu/${vmid}/migrate`,
    params: { target, 'with-local-disks': 1, ...(isRunning(live) ? { online: 1 } : {}) },
    what,
    doing: `machine ${vmid} was moving to ${target}`,
    takenBack: true,
    begun: (task) =>
      undo.add(`cancel the move of machine ${vmid}`, async (deadline) => {
        const margin = under(rig, deadline);
        await cancel(margin, task);
        if (!endedWell(await exitOf(margin.api, task, what))) return;
        throw new Failure('conflict', `it had ended: the machine is on ${target} now`);
      }),
  });
}

/** Where HA is in charge the task only asks for it, and nothing takes that back. */
async function arrival(
  rig: Rig,
  { vmid }: Machine,
  { managed }: Live,
  target: string,
): Promise<void> {
  const arrived = (): Promise<true | undefined> =>
    configIfThere(rig, { vmid, node: target }).then((config) => (config ? true : undefined));
  const goesOn = managed ? '; HA was asked to move it and may still do so' : '';
  const doing = `machine ${vmid} had not arrived on ${target}${goesOn}`;
  try {
    await poll(rig.api.deadline, doing, arrived);
  } catch (thrown) {
    throw overdue(rig.api, doing, thrown);
  }
}

import type { Outcome } from '../../../contract/action.ts';
import type { Undo } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { poll } from '../../../kit/poll.ts';
import { withUndo } from '../../../kit/undo.ts';
import { requireHostOf } from '../../../lifecycle/responsibility.ts';
import { endedWell } from '../api/error-texts.ts';
import { cancel, exitOf, overdue } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { takeSeedOut } from '../guest/travel.ts';
import type { Machine } from '../machine/machine.ts';
import { configIfThere, isRunning, type Live, readLive } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';

interface Call {
  readonly machine: Machine;
  readonly parameters: { readonly node: string };
}

/** Moves a machine to a node that some host speaks for: elsewhere no host would report it. */
export async function migrate(
  session: Session,
  { machine, parameters: { node: target } }: Call,
): Promise<Outcome> {
  const { node: own, nodes = [own], other_nodes: otherNodes } = session.settings;
  requireHostOf(target, { nodes, otherNodes });
  if (machine.node === target) return { message: `The instance is on ${target} already` };
  const live = await readLive(session, machine);
  // The move is over, and not taken back any more, while its arrival is waited for.
  const putBack = await withUndo(session.context, async (undo) => {
    const back = await takeSeedOut(session, machine, undo);
    await move(session, { machine, live, target, undo });
    return back;
  });
  await arrival(session, machine, live, target);
  await putBack(session, target);
  return { message: `The instance is on ${target} now` };
}

interface Move {
  readonly machine: Machine;
  readonly live: Live;
  readonly target: string;
  readonly undo: Undo;
}

/** A move that has to end before its end is cancelled; the machine stays where it was. */
async function move(session: Session, { machine, live, target, undo }: Move): Promise<void> {
  const { vmid, node } = machine;
  const what = `move machine ${vmid} from ${node} to ${target}`;
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/migrate`,
    params: { target, 'with-local-disks': 1, ...(isRunning(live) ? { online: 1 } : {}) },
    what,
    doing: `machine ${vmid} was moving to ${target}`,
    takenBack: true,
    begun: (task) =>
      undo.add(`cancel the move of machine ${vmid}`, async (deadline) => {
        const margin = session.at(deadline);
        await cancel(margin, task);
        if (!endedWell(await exitOf(margin.api, task, what))) return;
        throw new Failure('conflict', `it had ended: the machine is on ${target} now`);
      }),
  });
}

/** Where HA is in charge the task only asks for it, and nothing takes that back. */
async function arrival(
  session: Session,
  { vmid }: Machine,
  { managed }: Live,
  target: string,
): Promise<void> {
  const arrived = (): Promise<true | undefined> =>
    configIfThere(session, { vmid, node: target }).then((config) => (config ? true : undefined));
  const goesOn = managed ? '; HA was asked to move it and may still do so' : '';
  const doing = `machine ${vmid} had not arrived on ${target}${goesOn}`;
  try {
    await poll(session.context.deadline, doing, arrived);
  } catch (thrown) {
    throw overdue(session.api, doing, thrown);
  }
}

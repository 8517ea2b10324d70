import type { Outcome } from '../../../contract/action.ts';
import type { Deadline, Undo } from '../../../contract/context.ts';
import { path } from '../../../kit/http/address.ts';
import { requireHostOf } from '../../../lifecycle/responsibility.ts';
import { type Machine, stateOf } from '../api/wire.ts';
import { order, reread } from '../machine/instances.ts';
import { change, goesDown } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import { untilIdle } from '../machine/tasks.ts';

interface Call {
  readonly machine: Machine;
  readonly parameters: { readonly node: string };
  readonly undo: Undo;
  readonly deadline: Deadline;
}

/** A running virtual machine moves with its memory; a container cannot, and is down meanwhile. */
export async function migrate(session: Session, call: Call): Promise<Outcome> {
  const { client, settings } = session;
  const { machine, undo, deadline } = call;
  const { node: target } = call.parameters;
  const { remoteId } = machine;
  requireHostOf(target, { nodes: settings.nodes, otherNodes: settings.other_nodes });
  if (machine.node === target) return { message: `The instance is on ${target} already` };
  const ran = stateOf(machine) !== 'off';
  const live = ran && machine.incus.type === 'virtual-machine';
  if (ran && !live) {
    undo.add(`start ${remoteId} again`, async (margin) => {
      await untilIdle(client, remoteId, margin);
      const now = await reread(client, remoteId, margin);
      if (stateOf(now) === 'off') await order(client, remoteId, 'start', { deadline: margin });
    });
    const down = await goesDown(session, machine, deadline);
    if (!down) await change(session, machine, 'stop', deadline);
  }
  const json = { name: remoteId, migration: true, live };
  const ask = { what: `move ${remoteId} to ${target}`, deadline, json, query: { target } };
  await client.send('POST', path`/1.0/instances/${remoteId}`, ask);
  if (ran && !live) await order(client, remoteId, 'start', { deadline });
  return { message: `The instance is on ${target} now` };
}

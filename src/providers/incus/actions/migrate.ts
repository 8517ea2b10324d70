import type { Outcome } from '../../../contract/action.ts';
import type { Deadline, Undo } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { requireHostOf } from '../../../lifecycle/responsibility.ts';
import { type Machine, stateOf } from '../api/wire.ts';
import { order, reread } from '../machine/instances.ts';
import { change, goesDown } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import { untilIdle } from '../machine/tasks.ts';
import { listVolumes } from '../machine/volumes.ts';

interface Call {
  readonly instance: Instance;
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
  await refuseLocalDisks(session, call);
  const ran = stateOf(machine) !== 'off';
  const live = ran && machine.incus.type === 'virtual-machine';
  if (ran && !live) {
    undo.add(`start ${remoteId} again`, async (margin) => {
      await untilIdle(client, [remoteId], margin);
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

/** Incus moves an instance without its volumes, which would be out of its reach then. */
async function refuseLocalDisks(
  session: Session,
  { instance, deadline }: Pick<Call, 'instance' | 'deadline'>,
): Promise<void> {
  const volumes = await listVolumes(session, instance.uuid, deadline);
  const local = volumes.filter(({ node }) => node !== undefined);
  if (local.length === 0) return;
  const names = local.map(({ pool, number, node }) => `${pool}/data${number} on ${node}`);
  throw new Failure('conflict', `Data disks stay on their member: ${names.join(', ')}`, {
    advice: 'Use a pool that all members share, or move the volumes by hand',
    tenant: 'An instance with data disks of its own member cannot be moved',
  });
}

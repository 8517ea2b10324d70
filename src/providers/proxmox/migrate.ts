import { path } from '../../kit/http/address.ts';
import { poll } from '../../kit/poll.ts';
import type { Instance, Outcome } from '../../provider.ts';
import { configIfThere } from './inventory.ts';
import { isRunning, readLive } from './live.ts';
import { takeBuilt } from './operations.ts';
import type { Rig } from './rig.ts';
import { refused } from './snapshots.ts';
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
  const { vmid, node } = machine;
  if (node === target) return { message: `The instance is on ${target} already` };
  const online = isRunning(await readLive(rig, machine));
  await run(rig, {
    path: path`/nodes/${node}/qemu/${vmid}/migrate`,
    params: { target, 'with-local-disks': 1, ...(online ? { online: 1 } : {}) },
    what: `move machine ${vmid} from ${node} to ${target}`,
    doing: `machine ${vmid} was moving to ${target}`,
  });
  const arrived = (): Promise<true | undefined> =>
    configIfThere(rig, { vmid, node: target }).then((config) => (config ? true : undefined));
  // Where HA is in charge the task only asks for it.
  await poll(rig.api.deadline, `machine ${vmid} had not arrived on ${target}`, arrived);
  return { message: `The instance is on ${target} now` };
}

import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import type { Machine } from './machine.ts';
import { writeConfig } from './ownership.ts';
import { cutPower } from './power.ts';
import type { Rig } from './rig.ts';
import { run } from './tasks.ts';
import { isAbsentHere, saidBy } from './trouble.ts';
import { type Config, flagOf } from './wire.ts';

/**
 * Destroys a machine and what is configured for it: disks, snapshots, HA, replication, backup jobs.
 *
 * Disks that no configuration names are never asked for: storages are shared between clusters, and
 * the same id is somebody else's there.
 */
export async function destroy(
  rig: Rig,
  { vmid, node }: Pick<Machine, 'vmid' | 'node'>,
): Promise<void> {
  const attempt = (): Promise<void> =>
    run(rig, {
      method: 'DELETE',
      path: path`/nodes/${node}/qemu/${vmid}`,
      params: { purge: 1 },
      what: `remove machine ${vmid}`,
      doing: `machine ${vmid} was being removed`,
    });
  try {
    await attempt();
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (isAbsentHere(failure, vmid)) return;
    if (!new RegExp(`^VM ${vmid} is running`).test(saidBy(failure))) throw failure;
    await cutPower(rig, { vmid, node });
    await attempt();
  }
}

/** Takes away a machine that was never finished; its protection is the template's, not anybody's will. */
export async function destroyHalfMade(
  rig: Rig,
  place: Pick<Machine, 'vmid' | 'node'>,
  config: Config,
): Promise<void> {
  if (flagOf(config['protection'])) {
    const what = `take the protection off machine ${place.vmid}`;
    await writeConfig(rig, place, { delete: 'protection' }, what);
  }
  await destroy(rig, place);
}

import { remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isAbsentHere } from '../api/remote-error.ts';
import { run } from '../api/tasks.ts';
import type { Config } from '../api/wire.ts';
import { claimRemoval } from './claim.ts';
import { isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import { changedLately } from './recent.ts';
import type { Session } from './session.ts';
import { cutPower } from './switch.ts';

/**
 * Destroys a machine and what is configured for it: disks, snapshots, HA, replication, backup jobs.
 *
 * Disks that no configuration names are never asked for: storages are shared between clusters, and
 * the same id is somebody else's there.
 */
export async function destroy(
  session: Session,
  { vmid, node, listed }: Pick<Machine, 'vmid' | 'node' | 'listed'>,
): Promise<void> {
  const attempt = (): Promise<void> =>
    run(session, {
      method: 'DELETE',
      path: path`/nodes/${node}/qemu/${vmid}`,
      params: { purge: 1 },
      what: `remove machine ${vmid}`,
      doing: `machine ${vmid} was being removed`,
    });
  try {
    // A refusal costs the connection, so that none is asked for.
    if (await mayRun(session, { vmid, node, listed })) await cutPower(session, { vmid, node });
    await attempt();
  } catch (thrown) {
    if (!remoteMessage(thrown).startsWith(`VM ${vmid} is running`)) throw thrown;
    await cutPower(session, { vmid, node });
    await attempt();
  }
}

/** The list is asked as far as it can be up to date. */
async function mayRun(
  session: Session,
  { listed, ...place }: Pick<Machine, 'vmid' | 'node' | 'listed'>,
): Promise<boolean> {
  if (listed === 'running') return true;
  if (listed === 'stopped' && !changedLately(session.context)) return false;
  return isRunning(await readLive(session, place));
}

/**
 * Takes away a machine that was never finished; its protection is the template's, not anybody's will.
 * Answers `false`, and leaves it, when somebody has finished it meanwhile.
 */
export async function destroyHalfMade(
  session: Session,
  place: Pick<Machine, 'vmid' | 'node' | 'listed'>,
  config: Config,
): Promise<boolean> {
  if (!(await claimRemoval(session, place, config))) return false;
  try {
    await destroy(session, place);
  } catch (thrown) {
    // Another call was faster.
    if (!isAbsentHere(thrown, place.vmid)) throw thrown;
  }
  return true;
}

import type { Outcome } from '../../contract/action.ts';
import type { Instance } from '../../contract/instance.ts';
import { path } from '../../kit/http/address.ts';
import { rootDisk } from './disks.ts';
import { takeBuilt } from './operations.ts';
import { isOwnBackup } from './own-backup.ts';
import { powerOff } from './power-off.ts';
import { keepToday, putBack } from './restore.ts';
import type { Rig } from './rig.ts';
import { refused } from './snapshots.ts';
import { switchOn } from './switch.ts';
import { run } from './tasks.ts';

/** Puts the disks back; the configuration of that day gives way to today's before anything starts. */
export async function restoreBackup(
  rig: Rig,
  instance: Instance,
  volume: string,
): Promise<Outcome> {
  const machine = await takeBuilt(rig, instance);
  const { vmid, node, config } = machine;
  if (!(await isOwnBackup(rig, instance, machine, volume))) {
    throw refused('denied', 'This is no backup of this instance');
  }
  const storage = rootDisk(config)?.storage;
  const ran = await powerOff(rig, machine, 'hard');
  await putBack(rig, machine, ran, async () => {
    // Cut off half-way it would leave no disk at all, so that it is never cancelled.
    await run(rig, {
      path: path`/nodes/${node}/qemu`,
      params: {
        vmid,
        archive: volume,
        force: 1,
        ...(storage === undefined ? {} : { storage }),
        ...(rig.settings.pool === undefined ? {} : { pool: rig.settings.pool }),
      },
      what: `restore machine ${vmid} from ${volume}`,
      doing: `restoring machine ${vmid}`,
    });
    await keepToday(rig, machine);
    if (ran) await switchOn(rig, machine);
  });
  return { message: 'The backup was restored' };
}

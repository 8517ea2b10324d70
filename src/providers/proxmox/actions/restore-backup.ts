import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import { rootDisk } from '../machine/disks.ts';
import { powerOff } from '../machine/power-off.ts';
import type { Session } from '../machine/session.ts';
import { switchOn } from '../machine/switch.ts';
import { takeBuilt } from './handlers.ts';
import { keepToday, putBack } from './keep-today.ts';
import { isOwnBackup } from './own-backup.ts';
import { refused } from './snapshots.ts';

/** Puts the disks back; the configuration of that day gives way to today's before anything starts. */
export async function restoreBackup(
  session: Session,
  instance: Instance,
  volume: string,
): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  const { vmid, node, config } = machine;
  if (!(await isOwnBackup(session, instance, machine, volume))) {
    throw refused('denied', 'This is no backup of this instance');
  }
  const storage = rootDisk(config)?.storage;
  const ran = await powerOff(session, machine, 'hard');
  await putBack(session, machine, ran, async () => {
    // Cut off half-way it would leave no disk at all, so that it is never cancelled.
    await run(session, {
      path: path`/nodes/${node}/qemu`,
      params: {
        vmid,
        archive: volume,
        force: 1,
        ...(storage === undefined ? {} : { storage }),
        ...(session.settings.pool === undefined ? {} : { pool: session.settings.pool }),
      },
      what: `restore machine ${vmid} from ${volume}`,
      doing: `restoring machine ${vmid}`,
    });
    await keepToday(session, machine);
    if (ran) await switchOn(session, machine);
  });
  return { message: 'The backup was restored' };
}

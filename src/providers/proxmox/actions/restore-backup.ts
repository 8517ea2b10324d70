import type { Outcome } from '../../../contract/action.ts';
import type { Undo } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import { rootDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { switchOn } from '../machine/power.ts';
import { ensureStaysOff } from '../machine/power-off.ts';
import { isRunning, readConfig, readLive } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { isOwnBackup } from './backups.ts';
import { keepToday } from './keep-today.ts';

interface Call {
  readonly machine: Machine;
  readonly instance: Instance;
  readonly parameters: { readonly backup: string };
  readonly undo: Undo;
}

/**
 * Puts the disks back; the configuration of that day gives way to today's before anything starts. When
 * it fails, a machine that ran is brought back likewise, unless its task still holds it.
 */
export async function restoreBackup(
  session: Session,
  { machine, instance, parameters: { backup }, undo }: Call,
): Promise<Outcome> {
  if (!(await isOwnBackup(session, { machine, instance }, backup))) {
    const sentence = 'This is no backup of this instance';
    throw new Failure('denied', sentence, { tenant: sentence });
  }
  const ran = await ensureStaysOff(session, machine);
  undo.add(`bring machine ${machine.vmid} back`, async (deadline) => {
    const margin = session.at(deadline);
    if ((await readConfig(margin, machine))['lock'] !== undefined) return;
    await keepToday(margin, machine);
    if (ran && !isRunning(await readLive(margin, machine))) await switchOn(margin, machine);
  });
  await putBack(session, machine, backup);
  await keepToday(session, machine);
  if (ran) await switchOn(session, machine);
  return { message: 'The backup was restored' };
}

/** Cut off half-way it would leave no disk at all, so that it is never cancelled. */
async function putBack(
  session: Session,
  { vmid, node, config }: Machine,
  archive: string,
): Promise<void> {
  const { pool } = session.settings;
  const storage = rootDisk(config)?.storage;
  await run(session, {
    path: path`/nodes/${node}/qemu`,
    params: {
      ...{ vmid, archive, force: 1 },
      ...(storage === undefined ? {} : { storage }),
      ...(pool === undefined ? {} : { pool }),
    },
    what: `restore machine ${vmid} from ${archive}`,
    doing: `restoring machine ${vmid}`,
  });
}

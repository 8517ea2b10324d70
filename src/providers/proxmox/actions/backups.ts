import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { withUndo } from '../../../kit/undo.ts';
import { endedWell } from '../api/remote-error.ts';
import { cancel, exitOf } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { checkStorage } from '../machine/capacity.ts';
import { type Survey, survey } from '../machine/cluster-resources.ts';
import { show } from '../machine/find.ts';
import type { Machine } from '../machine/machine.ts';
import { type Session, under } from '../machine/session.ts';
import { takeBuilt } from './handlers.ts';
import { isOwnBackup } from './own-backup.ts';
import { refused } from './snapshots.ts';

/** Each one's configuration is read, so that there is an end to it. */
const mostListed = 50;

interface Backup {
  readonly volume: string;
  readonly createdAt: string;
  readonly bytes: number;
}

export async function backUp(
  session: Session,
  instance: Instance,
  wanted: string | undefined,
): Promise<Outcome> {
  const { vmid, node } = await takeBuilt(session, instance);
  const found = await survey(session);
  const [usual] = backupStorages(found, node);
  const storage = wanted ?? session.settings.backup_storage ?? usual;
  if (storage === undefined) throw refused('config', 'No storage of the node takes backups');
  checkStorage(session.settings, found.storages, { node, storage, sizeBytes: 0 });
  const what = `back machine ${vmid} up to ${storage}`;
  await withUndo(session.context, (undo) =>
    run(session, {
      path: path`/nodes/${node}/vzdump`,
      params: { vmid, storage, mode: 'snapshot', compress: 'zstd' },
      what,
      doing: `backing up machine ${vmid}`,
      takenBack: true,
      // One that goes on would keep the machine locked although it counts as failed.
      begun: (task) =>
        undo.add(`cancel the backup of machine ${vmid}`, async (deadline) => {
          const margin = under(session, deadline);
          await cancel(margin, task);
          if (!endedWell(await exitOf(margin.api, task, what))) return;
          throw new Failure('conflict', `it had ended: the backup is on ${storage}`);
        }),
    }),
  );
  return { message: `The instance was saved to ${storage}` };
}

/** Ids are used again, and backups outlive their machines: only our own mark inside proves one. */
export async function listBackups(session: Session, instance: Instance): Promise<Outcome> {
  const machine = await show(session, instance);
  const own: Backup[] = [];
  for (const backup of await readBackups(session, machine)) {
    if (await isOwnBackup(session, instance, machine, backup.volume)) own.push(backup);
  }
  return {
    message: own.length === 0 ? 'There are no backups' : `Backups: ${own.length}`,
    rows: own.map(({ volume, createdAt, bytes }) => ({
      backup: volume,
      created: createdAt,
      bytes,
    })),
  };
}

function backupStorages({ storages }: Survey, node: string): readonly string[] {
  const here = storages.filter(
    (row) => row.node === node && row.available && row.content.includes('backup'),
  );
  // What other nodes reach as well is worth more when this one is lost.
  return [...here].sort((a, b) => Number(b.shared) - Number(a.shared)).map((row) => row.storage);
}

async function readBackups(session: Session, { vmid, node }: Machine): Promise<readonly Backup[]> {
  const all: Backup[] = [];
  for (const storage of backupStorages(await survey(session), node)) {
    const ask = { what: `list the backups on ${storage}`, query: { content: 'backup', vmid } };
    const entries = listOf(
      await session.api.get(path`/nodes/${node}/storage/${storage}/content`, ask),
    );
    all.push(...entries.map(backupOf));
  }
  return all.sort((a, b) => b.createdAt.localeCompare(a.createdAt)).slice(0, mostListed);
}

function backupOf(entry: unknown): Backup {
  const volume = recordOf(entry);
  return {
    volume: textOf(volume['volid']) ?? '',
    createdAt: new Date((numberOf(volume['ctime']) ?? 0) * 1000).toISOString(),
    bytes: numberOf(volume['size']) ?? 0,
  };
}

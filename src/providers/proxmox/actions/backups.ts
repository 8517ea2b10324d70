import type { Outcome } from '../../../contract/action.ts';
import type { Undo } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { judge, readMark } from '../../../lifecycle/mark.ts';
import { endedWell } from '../api/error-texts.ts';
import { cancel, exitOf } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { type ClusterResources, checkStorage, readClusterResources } from '../machine/capacity.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';

/** Each one's configuration is read, so that there is an end to it. */
const mostListed = 50;

interface Backup {
  readonly volume: string;
  readonly createdAt: Date;
  readonly bytes: number;
}

interface Call {
  readonly machine: Machine;
  readonly instance: Instance;
}

interface BackUp extends Call {
  readonly parameters: { readonly storage: string | undefined };
  readonly undo: Undo;
}

export async function backUp(
  session: Session,
  { machine: { vmid, node }, parameters, undo }: BackUp,
): Promise<Outcome> {
  const found = await readClusterResources(session);
  const [usual] = backupStorages(found, node);
  const storage = parameters.storage ?? session.settings.backup_storage ?? usual;
  if (storage === undefined) {
    const sentence = 'No storage of the node takes backups';
    throw new Failure('config', sentence, { tenant: sentence });
  }
  checkStorage(session.settings, found.storages, { node, storage, sizeBytes: 0 });
  const what = `back machine ${vmid} up to ${storage}`;
  await run(session, {
    path: path`/nodes/${node}/vzdump`,
    params: { vmid, storage, mode: 'snapshot', compress: 'zstd' },
    what,
    doing: `backing up machine ${vmid}`,
    takenBack: true,
    // A backup that goes on would keep the machine locked although it counts as failed.
    begun: (task) =>
      undo.add(`cancel the backup of machine ${vmid}`, async (deadline) => {
        const margin = session.at(deadline);
        await cancel(margin, task);
        if (!endedWell(await exitOf(margin.api, task, what))) return;
        throw new Failure('conflict', `it had ended: the backup is on ${storage}`);
      }),
  });
  return { message: `The instance was saved to ${storage}` };
}

/** Ids are used again, and backups outlive their machines: only our own mark inside proves one. */
export async function listBackups(session: Session, { machine, instance }: Call): Promise<Outcome> {
  const own: Backup[] = [];
  for (const backup of await readBackups(session, machine)) {
    if (await isOwnBackup(session, { machine, instance }, backup.volume)) own.push(backup);
  }
  return {
    message: own.length === 0 ? 'There are no backups' : `Backups: ${own.length}`,
    rows: own.map(({ volume, createdAt, bytes }) => ({
      ...{ Created: createdAt, Size: { bytes }, Backup: volume },
    })),
    toCopy: 'Backup',
  };
}

function backupStorages({ storages }: ClusterResources, node: string): readonly string[] {
  const here = storages.filter(
    (row) => row.node === node && row.available && row.content.includes('backup'),
  );
  // A storage that other nodes reach as well is worth more when this one is lost.
  return [...here].sort((a, b) => Number(b.shared) - Number(a.shared)).map((row) => row.storage);
}

async function readBackups(session: Session, { vmid, node }: Machine): Promise<readonly Backup[]> {
  const all: Backup[] = [];
  for (const storage of backupStorages(await readClusterResources(session), node)) {
    const ask = { what: `list the backups on ${storage}`, query: { content: 'backup', vmid } };
    const entries = listOf(
      await session.api.get(path`/nodes/${node}/storage/${storage}/content`, ask),
    );
    all.push(...entries.map(backupOf));
  }
  return all.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()).slice(0, mostListed);
}

function backupOf(entry: unknown): Backup {
  const volume = recordOf(entry);
  return {
    volume: textOf(volume['volid']) ?? '',
    createdAt: new Date((numberOf(volume['ctime']) ?? 0) * 1000),
    bytes: numberOf(volume['size']) ?? 0,
  };
}

async function isOwnBackup(session: Session, call: Call, volume: string): Promise<boolean> {
  return (await readOwnBackup(session, call, volume)) !== undefined;
}

/** The configuration inside a backup, if it carries the mark of this very machine. */
export async function readOwnBackup(
  session: Session,
  { machine: { vmid, node }, instance }: Call,
  volume: string,
): Promise<string | undefined> {
  const ask = { what: `read the configuration in ${volume}`, query: { volume } };
  const text = textOf(await session.api.get(path`/nodes/${node}/vzdump/extractconfig`, ask)) ?? '';
  const { installation } = session.context;
  const wanted = { uuid: instance.uuid, installation, remoteId: String(vmid) };
  return judge(readMark(descriptionIn(text)), wanted) === 'ours' ? text : undefined;
}

/** The description stands at the top as comments, percent-encoded. */
function descriptionIn(config: string): string {
  const lines = config.split('\n').filter((line) => /^#(?!qmdump#)/.test(line));
  return lines.map((line) => decoded(line.slice(1))).join('\n');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

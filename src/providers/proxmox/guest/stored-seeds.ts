import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import type { TaskSession } from '../machine/session.ts';
import { readSeedName, type SeedName, volumeOf } from './seed-names.ts';
import type { ImagePlace } from './upload.ts';

export interface StoredSeed extends SeedName {
  readonly name: string;
  /** How long ago it was written, by the cluster's clock. */
  readonly ageSeconds: number;
}

/** The seeds of this installation on a node's storage. */
export async function listSeeds(
  { api, context }: TaskSession,
  { node, storage }: ImagePlace,
): Promise<readonly StoredSeed[]> {
  const ask = { what: `list the images on storage ${storage}`, query: { content: 'iso' } };
  const rows = listOf(await api.get(path`/nodes/${node}/storage/${storage}/content`, ask));
  return rows.flatMap((row) => {
    const { volid, ctime } = recordOf(row);
    const name = (textOf(volid) ?? '').replace(/^.*:iso\//, '');
    const read = readSeedName(context.installation, name);
    return read === undefined
      ? []
      : [{ ...read, name, ageSeconds: api.now() - (numberOf(ctime) ?? 0) }];
  });
}

/** Success where it is gone already. */
export async function removeSeed(
  session: TaskSession,
  { node, storage }: ImagePlace,
  name: string,
): Promise<void> {
  const volume = volumeOf(storage, name);
  await run(session, {
    method: 'DELETE',
    path: `${path`/nodes/${node}/storage/${storage}/content/`}${encodeURIComponent(volume)}`,
    // The answer waits for the task.
    params: { delay: 10 },
    what: `remove ${name} from storage ${storage}`,
    doing: `removing ${name} from storage ${storage}`,
  });
}

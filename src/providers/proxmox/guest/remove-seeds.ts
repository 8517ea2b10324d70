import { expectFailure } from '../../../failure.ts';
import type { Session } from '../machine/session.ts';
import { listSeeds, removeSeed } from './stored-seeds.ts';
import type { ImagePlace } from './upload.ts';

/**
 * Removes all seeds of an instance from every node that the settings name, where the storage is not the
 * same everywhere: the network half, which does not know the machine's node, saves on all of them. A seed that stays is no reason to keep the machine: `audit` shows it.
 */
export async function removeSeeds(
  session: Session,
  node: string,
  instanceUuid: string,
): Promise<void> {
  const { seed_storage: storage, nodes = [], other_nodes: others = [] } = session.settings;
  if (storage === undefined) return;
  for (const each of new Set([node, ...nodes, ...others])) {
    try {
      await removeFrom(session, { node: each, storage }, instanceUuid);
    } catch (thrown) {
      const { message: error } = expectFailure(thrown);
      session.context.log('seed.kept', { node: each, storage, error, level: 'warn' });
    }
  }
}

async function removeFrom(session: Session, place: ImagePlace, uuid: string): Promise<void> {
  for (const { instanceUuid, name } of await listSeeds(session, place)) {
    if (instanceUuid === uuid) await removeSeed(session, place, name);
  }
}

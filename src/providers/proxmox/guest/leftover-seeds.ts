import type { RemoteMachine } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';
import { volumeOf } from './seed-names.ts';
import { listSeeds } from './stored-seeds.ts';

/** The network half saves data before the machine is made: so long a seed may wait for one. */
const waitingSeconds = 3600;

/** The seeds whose instance has no machine any more, each once, for `audit`. */
export async function leftoverSeeds(
  session: Session,
  machines: readonly Machine[],
): Promise<readonly RemoteMachine[]> {
  const { seed_storage: storage, node: own, nodes = [own] } = session.settings;
  if (storage === undefined) return [];
  const owners = new Set(machines.map(({ mark }) => (typeof mark === 'object' ? mark.uuid : '')));
  const found = new Map<string, readonly string[]>();
  for (const node of nodes) {
    for (const { name, instanceUuid, ageSeconds } of await seedsOn(session, node, storage)) {
      if (owners.has(instanceUuid) || ageSeconds < waitingSeconds) continue;
      found.set(name, [...(found.get(name) ?? []), node]);
    }
  }
  return [...found].map(([name, places]) => leftover(volumeOf(storage, name), places));
}

/** A node that does not answer is a finding of its own. */
async function seedsOn(session: Session, node: string, storage: string) {
  try {
    return await listSeeds(session, { node, storage });
  } catch (thrown) {
    const { message: error } = expectFailure(thrown);
    session.context.log('seeds.unseen', { node, storage, error, level: 'warn' });
    return [];
  }
}

function leftover(volume: string, nodes: readonly string[]): RemoteMachine {
  const remark = `it is the seed of an instance without a machine, on ${nodes.join(', ')}: remove it there with pvesm free ${volume}`;
  const nature = { power: 'off', mark: undefined, leftover: true } as const;
  return { remoteId: volume, name: volume, ...nature, remarks: [remark] };
}

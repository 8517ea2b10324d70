import type { Deadline } from '../../../contract/context.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { findDomain } from '../api/domains.ts';
import { listActivePools, listVolumes } from '../api/volumes.ts';
import type { Machine } from './machines.ts';
import type { Session } from './session.ts';
import { type OwnVolume, ownVolume } from './volume-names.ts';

const words: Readonly<Record<OwnVolume['use'], string>> = {
  root: 'root disk',
  data: 'data disk',
  seed: 'seed',
};

/** The volumes that we have made for instances that have no domain any more, for `audit`. */
export async function leftovers(
  { client }: Session,
  machines: readonly Machine[],
  deadline: Deadline,
): Promise<readonly RemoteMachine[]> {
  const owners = new Set(machines.map(({ remoteId }) => remoteId));
  const found: RemoteMachine[] = [];
  for (const pool of await listActivePools(client, deadline)) {
    for (const { name } of await listVolumes(client, pool, deadline)) {
      const own = ownVolume(name);
      if (own === undefined || owners.has(own.uuid)) continue;
      // A domain is defined before its volumes are made, so that one that is being made is there now.
      if ((await findDomain(client, own.uuid, deadline)) !== undefined) continue;
      found.push(leftover(`${pool.name}/${name}`, pool.name, name, words[own.use]));
    }
  }
  return found;
}

function leftover(remoteId: string, pool: string, name: string, what: string): RemoteMachine {
  const remark = `it is the ${what} of an instance without a machine: if it may go, virsh vol-delete --pool ${pool} ${name}`;
  const nature = { power: 'off', mark: undefined, leftover: true } as const;
  return { remoteId, name, ...nature, remarks: [remark] };
}

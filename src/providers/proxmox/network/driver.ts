import type { Deadline } from '../../../contract/context.ts';
import type { Networks } from '../../../contract/network.ts';
import { Failure } from '../../../failure.ts';
import { networkIdOf } from '../../../lifecycle/network/mark.ts';
import { numberOf, recordOf } from '../api/wire.ts';
import { remove, update } from './change.ts';
import { idLength, make } from './make.ts';
import { readVnets, type Vnet } from './objects.ts';
import type { NetworkSession } from './session.ts';
import { usersOf } from './users.ts';

/** A vnet in one zone for each network of CloudStack. */
export function networks(base: NetworkSession, zone: string): Networks<Vnet> {
  let vnets: readonly Vnet[] = [];
  return {
    async list(deadline: Deadline) {
      const session = base.at(deadline);
      vnets = await readVnets(session);
      await proveSight(session, zone);
      return vnets;
    },
    idFor: (mark) => networkIdOf(mark, idLength),
    make: (network, mark, step) =>
      make(base.at(step.deadline), { network, mark, zone, vnets }, step),
    update: (vnet, network, step) => update(base.at(step.deadline), vnet, network, step),
    broadcast: ({ remoteId }) => ({ uri: `vs://${remoteId}`, type: 'Vswitch' }),
    users: ({ remoteId }, deadline) => usersOf(base.at(deadline), remoteId),
    remove: (vnet, step) => remove(base.at(step.deadline), vnet, step),
    describe: ({ zone: place, tag, state }) => [
      `zone ${place}`,
      ...(tag === undefined ? [] : [`tag ${tag}`]),
      ...(state === 'applied' ? [] : [`${state}, and not applied`]),
    ],
  };
}

/** Rights that are lost meanwhile show in a proof after the list, not in one before. */
async function proveSight({ api }: NetworkSession, zone: string): Promise<void> {
  const place = `/sdn/zones/${zone}`;
  const ask = { what: 'read the rights of the API token', query: { path: place } };
  const rights = recordOf(recordOf(await api.get('/access/permissions', ask))[place]);
  if (numberOf(rights['SDN.Audit']) === 1) return;
  throw new Failure(
    'denied',
    `The API token ${api.token()} does not see the vnets of zone ${zone}`,
    {
      advice: `It needs SDN.Audit on ${place} and all that is below (\`outrigger doctor\` has the command)`,
    },
  );
}

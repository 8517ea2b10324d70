import { expectFailure, Failure, isOutage, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { listOf, recordOf, textOf } from '../api/wire.ts';
import type { Zone } from './objects.ts';
import type { NetworkSession } from './session.ts';

/** A node that hangs must not use up the time of the others. */
const nodeLimitMs = 5000;

const atOnce = 4;

/** A node that lacks something, and why. */
export interface Lack {
  readonly node: string;
  readonly why: string;
  /** Another apply does not help. */
  readonly lasting?: boolean;
}

/** The online nodes on which every network of the zone has to be. */
export async function nodesFor(session: NetworkSession, zone: Zone): Promise<readonly string[]> {
  const { nodes: wanted } = session.settings;
  const online = await onlineNodes(session);
  const without = wanted?.filter((node) => zone.nodes?.includes(node) === false) ?? [];
  if (without.length > 0) {
    const text = `The zone ${zone.zone} is not on ${without.join(', ')}, which the setting nodes names`;
    throw new Failure('config', text, {
      advice: `Add the nodes to the zone, or take them out of nodes; the zone is on ${zone.nodes?.join(', ')}`,
    });
  }
  const nodes = online.filter(
    (node) => wanted?.includes(node) !== false && zone.nodes?.includes(node) !== false,
  );
  if (nodes.length > 0) return nodes;
  throw new Failure('unreachable', `No node that has the zone ${zone.zone} is online`, {
    outage: false,
    advice: `Online are ${online.join(', ') || 'none'}`,
  });
}

export async function onlineNodes({ api }: NetworkSession): Promise<readonly string[]> {
  const ask = { what: 'list the nodes', query: { type: 'node' } };
  return listOf(await api.get('/cluster/resources', ask))
    .map(recordOf)
    .filter((row) => row['type'] === 'node' && row['status'] === 'online')
    .flatMap((row) => textOf(row['node']) ?? []);
}

/** The nodes that do not have the vnet. An apply says nothing of this: each node is asked. */
export function lacking(
  session: NetworkSession,
  nodes: readonly string[],
  vnet: { readonly remoteId: string; readonly zone: string },
): Promise<readonly Lack[]> {
  return onEach(session, nodes, async (node) => {
    const ask = { what: `ask ${node} for the vnets of zone ${vnet.zone}`, limitMs: nodeLimitMs };
    const place = path`/nodes/${node}/sdn/zones/${vnet.zone}/content`;
    const rows = listOf(await session.api.get(place, ask)).map(recordOf);
    const row = rows.find((each) => each['vnet'] === vnet.remoteId);
    if (row === undefined) return { node, why: 'does not list it' };
    if (row['status'] === 'available') return undefined;
    const why = textOf(row['statusmsg']) ?? textOf(row['status']) ?? 'no reason given';
    return { node, why, lasting: /^missing /.test(why) };
  });
}

/** The nodes that have not taken the last apply, as the state of the zone tells. */
export function behind(
  session: NetworkSession,
  nodes: readonly string[],
  zone: string,
): Promise<readonly Lack[]> {
  return onEach(session, nodes, async (node) => {
    const ask = { what: `ask ${node} for its zones`, limitMs: nodeLimitMs };
    const rows = listOf(await session.api.get(path`/nodes/${node}/sdn/zones`, ask)).map(recordOf);
    const row = rows.find((each) => each['zone'] === zone);
    return row?.['status'] === 'pending' ? { node, why: 'was not reloaded' } : undefined;
  });
}

/** A node that does not answer lacks the thing; a right that is missing is a failure. */
async function onEach(
  session: NetworkSession,
  nodes: readonly string[],
  look: (node: string) => Promise<Lack | undefined>,
): Promise<readonly Lack[]> {
  const found = await mapLimit(nodes, atOnce, async (node): Promise<Lack | undefined> => {
    try {
      return await look(node);
    } catch (thrown) {
      const { message: why } = expectFailure(thrown);
      const isOver = session.api.deadline.remainingMs() === 0;
      if (statusOf(thrown) === 403 || isOutage(thrown) || isOver) throw thrown;
      return { node, why };
    }
  });
  return found.flatMap((lack) => lack ?? []);
}

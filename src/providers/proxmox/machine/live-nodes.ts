import { expectFailure, isOutage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import { listOf, numberOf, recordOf } from '../api/wire.ts';
import { type Live, liveOf } from './live.ts';
import { nodeLimitMs } from './read.ts';
import type { Session } from './session.ts';

/** What each node says of its machines right now; nothing for a node that does not answer. */
export async function liveOn(
  session: Session,
  nodes: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, Live>>> {
  const lists = await Promise.all(
    [...nodes].map(async (node) => [node, await liveOnNode(session, node)] as const),
  );
  return new Map(lists);
}

async function liveOnNode(session: Session, node: string): Promise<ReadonlyMap<number, Live>> {
  try {
    const ask = { what: `list the machines of node ${node}`, limitMs: nodeLimitMs };
    const machines = listOf(await session.api.get(path`/nodes/${node}/qemu`, ask));
    return new Map(machines.map((one) => [numberOf(recordOf(one)['vmid']) ?? 0, liveOf(one)]));
  } catch (thrown) {
    if (!isOnTheWay(thrown) || isOutage(thrown)) throw thrown;
    session.context.log('node.silent', {
      node,
      error: expectFailure(thrown).message,
      level: 'warn',
    });
    return new Map();
  }
}

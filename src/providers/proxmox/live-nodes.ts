import { expectFailure, isOutage } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { isOnTheWay } from '../../kit/http/trouble.ts';
import { nodeLimitMs } from './inventory.ts';
import { type Live, liveOf } from './live.ts';
import type { Rig } from './rig.ts';
import { listOf, numberOf, recordOf } from './wire.ts';

/** What each node says of its machines right now; nothing for a node that does not answer. */
export async function liveOn(
  rig: Rig,
  nodes: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, Live>>> {
  const lists = await Promise.all(
    [...nodes].map(async (node) => [node, await liveOnNode(rig, node)] as const),
  );
  return new Map(lists);
}

async function liveOnNode(rig: Rig, node: string): Promise<ReadonlyMap<number, Live>> {
  try {
    const ask = { what: `list the machines of node ${node}`, limitMs: nodeLimitMs };
    const machines = listOf(await rig.api.get(path`/nodes/${node}/qemu`, ask));
    return new Map(machines.map((one) => [numberOf(recordOf(one)['vmid']) ?? 0, liveOf(one)]));
  } catch (thrown) {
    if (!isOnTheWay(thrown) || isOutage(thrown)) throw thrown;
    rig.context.log('node.silent', { node, error: expectFailure(thrown).message, level: 'warn' });
    return new Map();
  }
}

import type { Power } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { speaksFor } from '../../../lifecycle/responsibility.ts';
import { powerOf } from './live.ts';
import { liveOn } from './live-nodes.ts';
import { homeIn } from './ownership.ts';
import { isInstanceName, type Seen } from './read.ts';
import { changedLately } from './recent.ts';
import { lookAtAll } from './scan-owned.ts';
import type { Session } from './session.ts';

/**
 * Everything this host speaks for, by instance name; fails rather than leave out what it cannot
 * tell. The nodes themselves are asked while the cluster's list may be behind.
 */
export async function powers(session: Session): Promise<ReadonlyMap<string, Power>> {
  const seen = await lookAtAll(session);
  const { certain, doubtful, unseen: blank } = overview(seen, session.context.installation);
  const mine = (machine: Seen): boolean => isMine(session, machine);
  if (blank.some(mine)) throw unreadable(blank.filter(mine));
  const report = new Map<string, Power>();
  for (const { name, machines } of doubtful) {
    if (machines.some(mine) && isTelling(name, machines)) report.set(name, 'unknown');
  }
  const own = certain.filter(({ machine }) => mine(machine));
  const nodes = new Set(own.map(({ machine }) => machine.row.node));
  const live = changedLately(session.context) ? await liveOn(session, nodes) : undefined;
  for (const { machine, mark } of own) {
    const now =
      live === undefined ? machine.row : live.get(machine.row.node)?.get(machine.row.vmid);
    report.set(
      mark.name,
      now === undefined || mark.state === 'building' ? 'unknown' : powerOf(now),
    );
  }
  return report;
}

/** Names of other machines mean nothing to CloudStack, and there may be hundreds. */
function isTelling(name: string, machines: readonly Seen[]): boolean {
  return isInstanceName(name) || machines.some(({ mark }) => mark !== undefined);
}

function isMine({ settings }: Session, { row, index, config }: Seen): boolean {
  const { node, nodes = [node], other_nodes: otherNodes = [] } = settings;
  const home = index?.home ?? homeIn(config?.['description']);
  return speaksFor({ node: row.node, home }, { nodes, otherNodes });
}

function unreadable(machines: readonly Seen[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  return new Failure(
    'upstream',
    `The machines ${ids} cannot be read, and neither tag nor name tells whose they are`,
    {
      advice: 'Until they can, nobody can say which instances they are',
    },
  );
}

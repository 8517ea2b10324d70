import { Failure } from '../../failure.ts';
import { speaksFor } from '../../kit/nodes.ts';
import { overview } from '../../kit/ownership.ts';
import type { Instance, Power } from '../../provider.ts';
import { look, missing } from './find.ts';
import { nodeLimitMs, proveSight, type Seen } from './inventory.ts';
import { isPaused, isRunning, powerOf, readLive } from './live.ts';
import { liveOn } from './live-nodes.ts';
import { homeIn } from './ownership.ts';
import { changedLately } from './recent.ts';
import type { Rig } from './rig.ts';
import { isInstanceName, lookAtAll } from './sweep.ts';
import { isAbsentHere } from './trouble.ts';
import type { Row } from './wire.ts';

export async function power(rig: Rig, instance: Instance): Promise<Power> {
  const choice = await look(rig, instance);
  if (choice.kind === 'missing') throw missing(instance);
  if (choice.kind === 'doubtful') {
    rig.context.log('power.doubtful', { doubt: choice.doubt, level: 'warn' });
    return 'unknown';
  }
  if (choice.kind === 'own' && choice.mark.state === 'building') return 'unknown';
  return livePower(rig, choice.machine.row);
}

async function livePower(rig: Rig, row: Row): Promise<Power> {
  try {
    const live = await readLive(rig, row, nodeLimitMs);
    if (isRunning(live) && !isPaused(live) && live.qmp !== 'running') {
      rig.context.log('power.odd', { machine: row.vmid, qmp: live.qmp, level: 'warn' });
    }
    return powerOf(live);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    // The cluster has just answered: it is this machine or its node that does not.
    const passing = isAbsentHere(failure, row.vmid) || /^(timeout|unreachable)$/.test(failure.kind);
    if (!passing || failure.outage) throw failure;
    rig.context.log('power.unknown', { machine: row.vmid, error: failure.message, level: 'warn' });
    return 'unknown';
  }
}

/**
 * Everything this host speaks for, by instance name; fails rather than leave out what it cannot
 * tell. The nodes themselves are asked while the cluster's list may be behind.
 */
export async function powers(rig: Rig): Promise<ReadonlyMap<string, Power>> {
  await proveSight(rig);
  const seen = await lookAtAll(rig);
  const { certain, doubtful, unseen: blank } = overview(seen, rig.context.installation);
  const mine = (machine: Seen): boolean => isMine(rig, machine);
  if (blank.some(mine)) throw unreadable(blank.filter(mine));
  const report = new Map<string, Power>();
  for (const { name, machines } of doubtful) {
    if (machines.some(mine) && isTelling(name, machines)) report.set(name, 'unknown');
  }
  const own = certain.filter(({ machine }) => mine(machine));
  const nodes = new Set(own.map(({ machine }) => machine.row.node));
  const live = changedLately(rig.context) ? await liveOn(rig, nodes) : undefined;
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

function isMine({ settings }: Rig, { row, index, config }: Seen): boolean {
  const { node, nodes = [node], other_nodes: otherNodes = [] } = settings;
  const home = index?.home ?? homeIn(config?.['description']);
  return speaksFor({ node: row.node, home }, { nodes, otherNodes });
}

function unreadable(machines: readonly Seen[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  return new Failure('upstream', `The machines ${ids} cannot be read and have no name`, {
    advice: 'Until they can, nobody can say which instances they are',
  });
}

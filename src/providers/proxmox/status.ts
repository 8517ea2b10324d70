import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { speaksFor } from '../../kit/nodes.ts';
import { overview } from '../../kit/ownership.ts';
import type { Instance, Power } from '../../provider.ts';
import { look, missing } from './find.ts';
import { readIndex } from './index-tag.ts';
import {
  configIfThere,
  listMachines,
  nodeLimitMs,
  proveSight,
  type Seen,
  seenByConfig,
  seenByIndex,
  unseen,
} from './inventory.ts';
import { isPaused, isRunning, type Live, liveOf, powerOf, readLive } from './live.ts';
import { homeIn } from './ownership.ts';
import { changedLately } from './recent.ts';
import type { Rig } from './rig.ts';
import { isAbsentHere } from './trouble.ts';
import { listOf, numberOf, type Row, recordOf } from './wire.ts';

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

async function lookAtAll(rig: Rig): Promise<readonly Seen[]> {
  const rows = await listMachines(rig);
  const seen = await Promise.all(rows.map((row) => seenAs(rig, row)));
  return seen.filter((each) => each !== undefined);
}

/** Nearly all by their tags; what has none and may be ours is read. */
async function seenAs(rig: Rig, row: Row): Promise<Seen | undefined> {
  const index = readIndex(row.tags);
  if (index !== undefined) return seenByIndex(row, index);
  if (!mayBeOurs(rig, row)) return undefined;
  try {
    const config = await configIfThere(rig, row, nodeLimitMs);
    return config === undefined ? unseen(row) : seenByConfig(row, config);
  } catch (thrown) {
    if (Failure.from(thrown).outage) throw thrown;
    return unseen(row);
  }
}

function mayBeOurs({ settings }: Rig, { vmid, name, pool, template }: Row): boolean {
  const { low, high } = settings.vmid_range;
  if (template) return false;
  if (isInstanceName(name)) return true;
  return settings.pool === undefined ? vmid >= low && vmid <= high : pool === settings.pool;
}

/** Names of other machines mean nothing to CloudStack, and there may be hundreds. */
function isTelling(name: string, machines: readonly Seen[]): boolean {
  return isInstanceName(name) || machines.some(({ mark }) => mark !== undefined);
}

function isInstanceName(name: string | undefined): boolean {
  return name !== undefined && /^i-\d+-\d+-/i.test(name);
}

function isMine({ settings }: Rig, { row, index, config }: Seen): boolean {
  const { node, nodes = [node], other_nodes: otherNodes = [] } = settings;
  const home = index?.home ?? homeIn(config?.['description']);
  return speaksFor({ node: row.node, home }, { nodes, otherNodes });
}

/** What each node says of its machines right now; nothing for a node that does not answer. */
async function liveOn(
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
    const failure = Failure.from(thrown);
    if (!/^(timeout|unreachable)$/.test(failure.kind) || failure.outage) throw failure;
    rig.context.log('node.silent', { node, error: failure.message, level: 'warn' });
    return new Map();
  }
}

function unreadable(machines: readonly Seen[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  return new Failure('upstream', `The machines ${ids} cannot be read and have no name`, {
    advice: 'Until they can, nobody can say which instances they are',
  });
}

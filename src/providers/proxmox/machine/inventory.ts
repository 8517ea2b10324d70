import type { RemoteMachine, State } from '../../../contract/machine.ts';
import { expectFailure, isOutage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { powerOf } from '../../../lifecycle/power.ts';
import { lockOn } from '../api/locks.ts';
import { type Config, listOf, numberOf, type Row, recordOf } from '../api/wire.ts';
import { memoryOf } from './config.ts';
import { readIndex } from './index-tag.ts';
import { looseVolumes } from './loose-volumes.ts';
import { type Machine, machineByIndex, unreadMachine } from './machine.ts';
import { macOf, netKeys, segmentOf } from './nics.ts';
import { type Live, liveOf, nodeLimitMs, stateOf } from './read.ts';
import { readEach } from './scan.ts';
import { changedLately, type Session } from './session.ts';
import { listAll } from './visibility.ts';

/** The states for a report; the nodes themselves are asked while the cluster's list may be behind. */
export async function states(
  session: Session,
  machines: readonly Machine[],
): Promise<readonly State[]> {
  if (!changedLately(session.context)) return machines.map(({ row }) => stateOf(row));
  const live = await liveOn(session, new Set(machines.map(({ node }) => node)));
  return machines.map(({ node, vmid }) => {
    const now = live.get(node)?.get(vmid);
    return now === undefined ? 'unknown' : stateOf(now);
  });
}

/** Every machine that the token sees, made by us or not. */
export async function listInventory(session: Session): Promise<readonly Machine[]> {
  const rows = await listAll(session);
  const live = await liveOn(session, new Set(rows.map(({ node }) => node)));
  const answering = rows.filter(({ node, vmid }) => live.get(node)?.has(vmid));
  const read = await readEach(session, answering, { current: true });
  const machines = new Map(read.map((each) => [each.vmid, each]));
  const loose = await looseVolumes(session, read);
  return rows.map((row) => ({
    ...(machines.get(row.vmid) ?? unreadMachine(row)),
    live: live.get(row.node)?.get(row.vmid),
    loose: loose.get(row.vmid),
  }));
}

/** The live state that each node reports of its machines; nothing for a node without an answer. */
async function liveOn(
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

// ---- one machine for audit ----

export async function describe(session: Session, machine: Machine): Promise<RemoteMachine> {
  if (!machine.isRead) return describeRow(machine.row);
  const { remoteId, name = '', mark, template = false, config, live } = machine;
  const remarks = await remarksOn(session, machine);
  const power = live === undefined || isBuilding(machine) ? 'unknown' : powerOf(stateOf(live));
  return {
    ...{ remoteId, name, mark, template, power },
    cpus: Number(config['cores'] ?? 1) * Number(config['sockets'] ?? 1),
    memoryBytes: memoryOf(config) * 1024 ** 2,
    nics: nicsIn(session, config),
    ...(remarks.length === 0 ? {} : { remarks }),
    ...(isLeftover(machine, remarks) ? { leftover: true } : {}),
  };
}

/** By the row in the list alone. */
function describeRow(row: Row): RemoteMachine {
  const { name = '', template } = row;
  const index = readIndex(row.tags);
  return {
    ...{ remoteId: String(row.vmid), name, template, power: 'unknown' },
    mark: index === undefined ? 'unreadable' : machineByIndex(row, index).mark,
    remarks: [`it cannot be read on node ${row.node}`],
  };
}

/** A copy gets its mark when it is finished: one that no task works on any more never got it. */
function isLeftover({ mark, config }: Machine, remarks: readonly string[]): boolean {
  const unfinished = config['lock'] === 'clone' || config['lock'] === 'create';
  return mark === undefined && unfinished && remarks.length > 0;
}

function nicsIn({ settings }: Session, config: Config): NonNullable<RemoteMachine['nics']> {
  return netKeys(config).map((key) => {
    const net = config[key] ?? '';
    return { mac: macOf(net).toLowerCase(), ...segmentOf(settings, net) };
  });
}

async function remarksOn(
  { api }: Session,
  { row, config, index, mark, live, loose = [] }: Machine,
): Promise<readonly string[]> {
  const { lock } = config;
  const remarks: string[] = [];
  if (live !== undefined && stateOf(live) === 'saved') remarks.push('its memory is saved to disk');
  else if (lock !== undefined) {
    const { state, advice } = await lockOn(api, row, lock);
    if (state === 'unseen') remarks.push(`it is locked (${lock}). ${advice}`);
  }
  if (live?.status === 'running' && /^(io-error|internal-error)$/.test(live.qmp ?? '')) {
    remarks.push(`it runs with an error: ${live.qmp}`);
  }
  if (index !== undefined && typeof mark !== 'object') {
    remarks.push(`its index tag says that it is ${index.name}'s, but it carries no readable mark`);
  }
  if (index !== undefined && typeof mark === 'object' && mark.uuid !== index.uuid) {
    remarks.push("its index tag is another instance's: remove the tag that begins with or1");
  }
  for (const volume of loose) {
    remarks.push(
      `no configuration names the volume ${volume} under its id: a write that failed may have left it, or it is another cluster's on a storage that both use. Where it is not, \`qm disk rescan --vmid ${row.vmid}\` makes it a detached disk, which DeleteDisk removes`,
    );
  }
  return remarks;
}

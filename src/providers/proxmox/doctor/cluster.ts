import type { Check } from '../../../contract/provider.ts';
import { path } from '../../../kit/http/address.ts';
import { type Json, listOf, recordOf, textOf } from '../api/wire.ts';
import type { ClusterResources, StorageRow } from '../machine/capacity.ts';
import type { Session } from '../machine/session.ts';
import { allows, givingNetwork, seeingCluster } from './rights.ts';

/** Storages whose disks can be linked to; on the others only whole copies can be made. */
const linking = new Set([
  'dir',
  'nfs',
  'cifs',
  'cephfs',
  'glusterfs',
  'btrfs',
  'lvmthin',
  'zfspool',
  'zfs',
  'rbd',
]);
const gib = 1024 ** 3;

/** The nodes that this host and others speak for, and those that no host does. */
export function checkNodes({ settings }: Session, { nodes }: ClusterResources): readonly Check[] {
  const { node, nodes: own = [node], other_nodes: others = [] } = settings;
  const known = nodes.map((row) => row.node);
  const missing = [...own, ...others].filter((name) => !known.includes(name));
  const away = nodes.filter((row) => !row.online).map((row) => row.node);
  const unspoken = known.filter((name) => !own.includes(name) && !others.includes(name));
  const name = 'nodes';
  if (missing.length > 0) {
    const advice = `The cluster has ${known.join(', ')}`;
    return [{ name, state: 'fail', found: `there is no ${missing.join(', ')}`, advice }];
  }
  if (away.length > 0) {
    const advice = 'Their machines are reported as unknown until then';
    const state = away.some((node) => own.includes(node)) ? 'fail' : 'warn';
    return [{ name, state, found: `not online: ${away.join(', ')}`, advice }];
  }
  const found = `this host speaks for ${own.join(', ')}`;
  if (unspoken.length === 0) return [{ name, state: 'ok', found }];
  const advice = `Machines that move to ${unspoken.join(', ')} are reported by the host of the node they were made on; name these nodes in other_nodes where hosts of their own speak for them`;
  return [{ name, state: 'ok', found, advice }];
}

/** Checks what the node's storages can hold, and which of them are nearly full. */
export function checkStorages(
  { settings }: Session,
  { storages }: ClusterResources,
): readonly Check[] {
  const here = storages.filter(
    (row) => row.node === settings.node && row.content.includes('images'),
  );
  if (here.length === 0) {
    const found = `the token sees no storage for disks on ${settings.node}`;
    const advice = 'It needs Datastore.Audit and Datastore.AllocateSpace on one';
    return [{ name: 'storages', state: 'warn', found, advice }];
  }
  return here.map((row) => checkStorageRow(row, settings.min_free_storage_percent));
}

function checkStorageRow(row: StorageRow, floor: number): Check {
  const name = `storage ${row.storage}`;
  if (!row.available) return { name, state: 'fail', found: 'it is not available' };
  const free = row.totalBytes - row.usedBytes;
  const percent = row.totalBytes === 0 ? 0 : Math.floor((free / row.totalBytes) * 100);
  const links = linking.has(row.type ?? '') ? 'linked clones' : 'whole copies only';
  const found = `${row.type ?? 'unknown'} for ${row.content.join(', ')}; ${links}, ${Math.floor(free / gib)} GiB (${percent} %) free`;
  if (percent >= floor) return { name, state: 'ok', found };
  return { name, state: 'warn', found, advice: `Nothing is made on it below ${floor} %` };
}

/** Every bridge and vnet that the settings name has to be there. */
export async function checkBridges(session: Session, rights: Json): Promise<readonly Check[]> {
  const { node, network_bridge, network_map, vnet_map } = session.settings;
  const query = { type: 'any_bridge' };
  const ask = { what: `list the bridges of ${node}`, query };
  const bridges = namesIn(await session.api.get(path`/nodes/${node}/network`, ask), 'iface');
  const wanted = [...new Set([network_bridge, ...(network_map?.values() ?? [])])];
  const all = allows(rights, '/sdn', 'SDN.Use') || allows(rights, '/nodes', 'Sys.Audit');
  return [
    presence('bridges', wanted, { there: bridges, where: `on ${node}`, all }, session),
    ...(vnet_map === undefined
      ? []
      : [await checkVnets(session, rights, [...new Set(vnet_map.values())])]),
  ];
}

async function checkVnets(
  session: Session,
  rights: Json,
  wanted: readonly string[],
): Promise<Check> {
  const vnets = await session.api.get('/cluster/sdn/vnets', { what: 'list the vnets' });
  const seen = { there: namesIn(vnets, 'vnet'), where: 'in the cluster' };
  return presence('vnets', wanted, { ...seen, all: allows(rights, '/sdn', 'SDN.Use') }, session);
}

function namesIn(list: unknown, key: string): readonly string[] {
  return listOf(list).flatMap((entry) => textOf(recordOf(entry)[key]) ?? []);
}

interface Seen {
  readonly there: readonly string[];
  readonly where: string;
  /** Whether the token sees all there are; else one that is missing may be hidden. */
  readonly all: boolean;
}

function presence(
  name: string,
  wanted: readonly string[],
  { there, where, all }: Seen,
  { api }: Session,
): Check {
  const missing = wanted.filter((each) => !there.includes(each));
  if (missing.length === 0) return { name, state: 'ok', found: wanted.join(', ') };
  const list = there.length === 0 ? 'It has none' : `It has ${there.join(', ')}`;
  if (all) {
    return { name, state: 'fail', found: `not ${where}: ${missing.join(', ')}`, advice: list };
  }
  return {
    name,
    state: 'fail',
    found: `not ${where}, or not to be seen by the token without SDN.Use: ${missing.join(', ')}`,
    advice: `${there.length === 0 ? 'It sees none' : `It sees ${there.join(', ')}`}. For a hidden one: ${givingNetwork(api.token())}`,
  };
}

/** Without tags every list costs a request per machine. The policy is shown with a right only. */
export async function checkTags(session: Session, rights: Json): Promise<readonly Check[]> {
  const options = recordOf(
    await session.api.get('/cluster/options', { what: 'read the tag policy' }),
  );
  const policy = options['user-tag-access'];
  const allow =
    textOf(recordOf(policy)['user-allow']) ??
    /user-allow=([a-z]+)/.exec(textOf(policy) ?? '')?.[1] ??
    'free';
  const name = 'tags';
  if (policy === undefined && !allows(rights, '/', 'Sys.Audit')) {
    const found = 'the token may not see the policy of the cluster: Sys.Audit on / is missing';
    return [{ name, state: 'skipped', found, advice: seeingCluster(session.api.token()) }];
  }
  if (allow === 'free') return [{ name, state: 'ok', found: 'may be written freely' }];
  return [
    {
      name,
      state: 'warn',
      found: `the cluster lets users write tags: ${allow}`,
      advice:
        'Without the index tag every report costs one request per machine: set user-tag-access to user-allow=free, or give the token Sys.Modify on /',
    },
  ];
}

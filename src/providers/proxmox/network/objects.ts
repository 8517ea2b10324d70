import type { RemoteNetwork } from '../../../contract/network.ts';
import { readNetworkMark } from '../../../lifecycle/network/mark.ts';
import { type Json, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import type { NetworkSession } from './session.ts';

/** Whether a change of an object waits for the next apply. */
export type ObjectState = 'applied' | 'new' | 'changed' | 'deleted';

export interface Vnet extends RemoteNetwork {
  readonly zone: string;
  readonly tag: number | undefined;
  readonly alias: string;
  readonly state: ObjectState;
}

export interface Zone {
  readonly zone: string;
  /** simple, vlan, qinq, vxlan or evpn. */
  readonly type: string;
  /** Only these nodes have it. */
  readonly nodes: readonly string[] | undefined;
  readonly state: ObjectState;
}

/** Every vnet that the token sees, also those that the next apply makes or removes. */
export async function readVnets({ api }: NetworkSession): Promise<readonly Vnet[]> {
  const ask = { what: 'list the vnets', query: { pending: 1 } };
  return listOf(await api.get('/cluster/sdn/vnets', ask)).map(vnetOf);
}

export async function readZones({ api }: NetworkSession): Promise<readonly Zone[]> {
  const ask = { what: 'list the zones of the SDN', query: { pending: 1 } };
  return listOf(await api.get('/cluster/sdn/zones', ask)).map(zoneOf);
}

function vnetOf(entry: unknown): Vnet {
  const row = recordOf(entry);
  const alias = textOf(waiting(row, 'alias')) ?? '';
  return {
    remoteId: textOf(row['vnet']) ?? '',
    mark: readNetworkMark(alias),
    zone: textOf(waiting(row, 'zone')) ?? '',
    tag: numberOf(waiting(row, 'tag')),
    alias,
    state: stateOf(row),
  };
}

function zoneOf(entry: unknown): Zone {
  const row = recordOf(entry);
  const nodes = textOf(waiting(row, 'nodes'))?.split(',');
  return {
    zone: textOf(row['zone']) ?? '',
    type: textOf(row['type']) ?? '',
    nodes: nodes?.map((name) => name.trim()),
    state: stateOf(row),
  };
}

/** A value as the next apply leaves it. */
function waiting(row: Json, key: string): unknown {
  const later = recordOf(row['pending'])[key];
  if (later === 'deleted') return undefined;
  return later ?? row[key];
}

function stateOf(row: Json): ObjectState {
  const state = textOf(row['state']);
  return state === 'new' || state === 'changed' || state === 'deleted' ? state : 'applied';
}

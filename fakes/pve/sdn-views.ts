import { createHash } from 'node:crypto';
import { die } from './errors.ts';
import type { SdnObjects, State } from './state.ts';
import type { Params } from './verify.ts';

export type Kind = 'zones' | 'vnets';

type Row = Readonly<Record<string, unknown>>;

const idKeys = { zones: 'zone', vnets: 'vnet' } as const;
const missing = { zones: 'sdn', vnets: 'sdn vnet' } as const;

/** The objects as the list shows them: the files, or with `pending` or `running` what differs or is in force. */
export function listObjects(state: State, kind: Kind, params: Params): readonly Row[] {
  const config = state[kind];
  const running = state.sdn.running[kind];
  if (params['running'] === '1') return [...running.values()].map((one) => rowOf(one, null));
  if (params['pending'] !== '1') {
    return [...config.values()].map((one) => rowOf(one, digestOf(config)));
  }
  const ids = [...new Set([...running.keys(), ...config.keys()])].sort();
  return ids.map((id) => pendingRow(kind, config.get(id), running.get(id)));
}

/** One object; one that is deleted and still in force stands in the list alone. */
export function showObject(state: State, kind: Kind, id: string, params: Params): Row {
  const place = params['running'] === '1' ? state.sdn.running[kind] : state[kind];
  const found = place.get(id);
  if (found === undefined || !state[kind].has(id)) throw absent(kind, id);
  if (params['pending'] === '1') return pendingRow(kind, found, state.sdn.running[kind].get(id));
  return rowOf(found, params['running'] === '1' ? null : digestOf(state[kind]));
}

export function absent(kind: Kind, id: string): never {
  return die(`${missing[kind]} '${id}' does not exist`);
}

/** One digest for the whole file. */
export function digestOf(objects: SdnObjects): string {
  return createHash('sha1')
    .update(JSON.stringify([...objects]))
    .digest('hex');
}

/** Whether an apply would change anything. */
export function isPending(state: State): boolean {
  return (['zones', 'vnets'] as const).some((kind) =>
    listObjects(state, kind, { pending: '1' }).some((row) => row['state'] !== undefined),
  );
}

function pendingRow(
  kind: Kind,
  config: Readonly<Record<string, string>> | undefined,
  running: Readonly<Record<string, string>> | undefined,
): Row {
  if (config === undefined) return { ...rowOf(running ?? {}, null), state: 'deleted', pending: {} };
  if (running === undefined) {
    const { [idKeys[kind]]: id, type, ...rest } = config;
    return { [idKeys[kind]]: id, type, digest: null, state: 'new', pending: typed(rest) };
  }
  const keys = [...new Set([...Object.keys(config), ...Object.keys(running)])];
  const changed = keys.filter((key) => config[key] !== running[key]);
  const row = rowOf(running, null);
  if (changed.length === 0) return row;
  const now = changed.map((key): [string, string] => [key, config[key] ?? 'deleted']);
  return { ...row, state: 'changed', pending: typed(Object.fromEntries(now)) };
}

function rowOf(object: Readonly<Record<string, string>>, digest: string | null): Row {
  return { ...typed(object), digest };
}

/** Numbers come as numbers. */
function typed(object: Readonly<Record<string, string>>): Row {
  const numbers = /^(tag|mtu|vlanaware|isolate-ports|vrf-vxlan)$/;
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, numbers.test(key) ? Number(value) : value]),
  );
}

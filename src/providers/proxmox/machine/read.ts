import type { State } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isAbsentHere } from '../api/error-texts.ts';
import {
  type Config,
  configOf,
  flagOf,
  type Json,
  listOf,
  numberOf,
  type Row,
  recordOf,
  rowOf,
  textOf,
} from '../api/wire.ts';
import type { Session } from './session.ts';

/** Where a machine is. */
export type Place = Pick<Row, 'node' | 'vmid'>;

/** A node that hangs must not use up the time that all the others have. */
export const nodeLimitMs = 3000;

// ---- the cluster's list ----

/** Every machine that the token sees, wherever in the cluster it is. */
export async function listMachines({ api }: Session): Promise<readonly Row[]> {
  const query = { type: 'vm' };
  const data = await api.get('/cluster/resources', { what: 'list the machines', query });
  return listOf(data).flatMap((entry) => rowOf(entry) ?? []);
}

/**
 * Every machine that there may be of ours, with no state where its node is not online. Rights that are
 * lost meanwhile show in a proof after the list, not in one before. `byPool` also proves that the rows
 * tell the pool that a machine is in.
 */
export async function listAll(
  session: Session,
  { byPool = false }: { readonly byPool?: boolean } = {},
): Promise<readonly Row[]> {
  const { readClusterResources } = await import('./capacity.ts');
  const { machines } = await readClusterResources(session);
  await proveVisibility(session, byPool ? ['VM.Audit', 'Pool.Audit'] : undefined);
  return machines;
}

/** Fails unless the token's rights let it see every machine it may have made: a list never says so. */
export async function proveVisibility(
  session: Session,
  wanted: readonly ('VM.Audit' | 'Pool.Audit')[] = ['VM.Audit'],
): Promise<void> {
  const { pool } = session.settings;
  if (pool === undefined) {
    // A right on /vms that reaches no further down shows no machine.
    if ((await rightsAt(session, '/vms'))['VM.Audit'] === 1) return;
    throw blind(session, 'see all machines', 'VM.Audit on /vms and all that is below');
  }
  const place = `/pool/${pool}`;
  const rights = await rightsAt(session, place);
  const isHidden = wanted.includes('Pool.Audit') && rights['Pool.Audit'] === undefined;
  if (isHidden)
    throw blind(session, 'see which machines are in the pool', `Pool.Audit on ${place}`);
  // A pool hands down all rights on it; machines may be seen without it as well.
  if (rights['VM.Audit'] !== undefined) return;
  if ((await rightsAt(session, '/vms'))['VM.Audit'] === 1) return;
  throw blind(session, 'see all machines', `VM.Audit on ${place}`);
}

/** The rights of the token at a place, with 1 for those that reach further down. */
async function rightsAt({ api }: Session, place: string): Promise<Json> {
  const ask = { what: 'read the rights of the API token', query: { path: place } };
  return recordOf(recordOf(await api.get('/access/permissions', ask))[place]);
}

function blind({ api, settings: { pool } }: Session, task: string, right: string): Failure {
  const other = pool === undefined ? ', or set pool to the one that it has rights on' : '';
  return new Failure('denied', `The API token ${api.token()} does not ${task}`, {
    advice: `It needs ${right}${other} (\`outrigger doctor\` has the command). Until then no machine counts as off or gone`,
  });
}

// ---- one machine ----

export interface Reading {
  readonly limitMs?: number;
  /** Reads the values that the machine runs with, where its next start will find others. */
  readonly current?: boolean;
}

export async function readConfig(
  { api }: Session,
  { node, vmid }: Place,
  { limitMs, current = false }: Reading = {},
): Promise<Config> {
  const ask = {
    what: `read the configuration of machine ${vmid} on ${node}`,
    ...(current ? { query: { current: 1 } } : {}),
    ...(limitMs === undefined ? {} : { limitMs }),
  };
  return configOf(await api.get(path`/nodes/${node}/qemu/${vmid}/config`, ask));
}

/** The configuration, or `undefined` for a machine that is not, or no longer, on that node. */
export async function configIfThere(
  session: Session,
  place: Place,
  reading: Reading = {},
): Promise<Config | undefined> {
  try {
    return await readConfig(session, place, reading);
  } catch (thrown) {
    if (isAbsentHere(thrown, place.vmid)) return undefined;
    throw thrown;
  }
}

/** The state of a machine that QEMU and the node report right now. */
export interface Live {
  readonly status: string | undefined;
  /** More exact while it runs: running, paused, suspended, io-error ... */
  readonly qmp: string | undefined;
  readonly lock: string | undefined;
  readonly pid: number | undefined;
  readonly uptime: number;
  readonly managed: boolean;
  /** The manager of HA switches it on, however often it goes off. */
  readonly keptOn: boolean;
}

export async function readLive(
  { api }: Session,
  { node, vmid }: Place,
  limitMs?: number,
): Promise<Live> {
  const ask = { what: `ask node ${node} how machine ${vmid} is` };
  const limit = limitMs === undefined ? ask : { ...ask, limitMs };
  return liveOf(await api.get(path`/nodes/${node}/qemu/${vmid}/status/current`, limit));
}

export function liveOf(value: unknown): Live {
  const current = recordOf(value);
  const ha = recordOf(current['ha']);
  return {
    status: textOf(current['status']),
    qmp: textOf(current['qmpstatus']),
    lock: textOf(current['lock']),
    pid: numberOf(current['pid']),
    uptime: numberOf(current['uptime']) ?? 0,
    managed: flagOf(ha['managed']),
    keptOn: /^(started|enabled)$/.test(textOf(ha['state']) ?? ''),
  };
}

export function isRunning({ status }: Pick<Live, 'status'>): boolean {
  return status === 'running';
}

export function isPaused({ qmp }: Pick<Live, 'qmp'>): boolean {
  return qmp === 'paused' || qmp === 'suspended';
}

/** Unfinished machines and those that are being restored are neither on nor off. */
export function stateOf(live: Pick<Live, 'status' | 'lock'> & Partial<Pick<Live, 'qmp'>>): State {
  if (isRunning(live)) return isPaused({ qmp: live.qmp }) ? 'paused' : 'on';
  if (live.status !== 'stopped') return 'unknown';
  if (/^suspend(ed|ing)$/.test(live.lock ?? '')) return 'saved';
  return /^(clone|create|rollback)$/.test(live.lock ?? '') ? 'unknown' : 'off';
}

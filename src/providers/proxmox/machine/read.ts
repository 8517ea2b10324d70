import type { State } from '../../../contract/machine.ts';
import { path } from '../../../kit/http/address.ts';
import { isAbsentHere } from '../api/error-texts.ts';
import {
  type Config,
  configOf,
  flagOf,
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

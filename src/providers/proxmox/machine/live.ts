import type { Power } from '../../../contract/machine.ts';
import { path } from '../../../kit/http/address.ts';
import { flagOf, numberOf, type Row, recordOf, textOf } from '../api/wire.ts';
import type { Session } from './session.ts';

/** What QEMU and the node say about a machine right now. */
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
  readonly maxMemory: number | undefined;
}

export async function readLive(
  { api }: Session,
  { node, vmid }: Pick<Row, 'node' | 'vmid'>,
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
    maxMemory: numberOf(current['maxmem']),
  };
}

export function isRunning({ status }: Live): boolean {
  return status === 'running';
}

/** Its memory lies on the disk: off, but with data that a start would bring back. */
export function isSaved({ status, lock }: Live): boolean {
  return status === 'stopped' && (lock === 'suspended' || lock === 'suspending');
}

export function isPaused({ qmp }: Live): boolean {
  return qmp === 'paused' || qmp === 'suspended';
}

/** Saved, half-made and being restored machines are neither on nor off. */
export function powerOf(live: Pick<Live, 'status' | 'lock'>): Power {
  if (live.status === 'running') return 'on';
  const unsettled = /^(suspended|suspending|clone|create|rollback)$/.test(live.lock ?? '');
  return live.status === 'stopped' && !unsettled ? 'off' : 'unknown';
}

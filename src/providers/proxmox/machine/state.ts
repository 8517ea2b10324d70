import type { State } from '../../../contract/machine.ts';
import { expectFailure, isOutage } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import { isAbsentHere } from '../api/errors.ts';
import type { Machine } from './machine.ts';
import { isRunning, type Live, nodeLimitMs, readLive, stateOf } from './read.ts';
import type { Session } from './session.ts';

/** As its node says now, kept for the rest of the action. */
export async function stateForChange(session: Session, machine: Machine): Promise<State> {
  if (machine.left !== undefined) return machine.left;
  const live = await lookForChange(session, machine);
  session.lives.set(machine.vmid, live);
  const state = stateOf(live);
  // A locked machine without power is off: Proxmox VE itself says by which lock it cannot start.
  return state === 'unknown' && live.status === 'stopped' ? 'off' : state;
}

/** A stop first breaks off a reboot, which may switch the machine off and on again in between. */
async function lookForChange(session: Session, machine: Machine): Promise<Live> {
  const { action = '' } = session.context;
  if (!/^(stop|delete)$/.test(action)) return readLive(session, machine);
  const { beginStop } = await import('./power-off.ts');
  return (await beginStop(session, machine)).live;
}

/** As its node says within its time; `unknown` when the machine or its node does not answer. */
export async function stateForReport(session: Session, { row }: Machine): Promise<State> {
  const { log } = session.context;
  try {
    const live = await readLive(session, row, nodeLimitMs);
    const state = stateOf(live);
    if (state === 'on' && isRunning(live) && live.qmp !== 'running') {
      log('power.odd', { machine: row.vmid, qmp: live.qmp, level: 'warn' });
    }
    return state;
  } catch (thrown) {
    // The cluster has just answered: it is this machine or its node that does not.
    const passing = isAbsentHere(thrown, row.vmid) || isOnTheWay(thrown);
    if (!passing || isOutage(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    log('power.unknown', { machine: row.vmid, error, level: 'warn' });
    return 'unknown';
  }
}

import type { Instance } from '../../../contract/instance.ts';
import type { Power } from '../../../contract/machine.ts';
import { expectFailure, isOutage } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import { isAbsentHere } from '../api/remote-error.ts';
import type { Row } from '../api/wire.ts';
import { look, missing } from './find-for-read.ts';
import { isPaused, isRunning, powerOf, readLive } from './live.ts';
import { nodeLimitMs } from './read.ts';
import type { Session } from './session.ts';

export async function power(session: Session, instance: Instance): Promise<Power> {
  const choice = await look(session, instance);
  if (choice.kind === 'missing' || choice.kind === 'leaving') throw missing(instance);
  if (choice.kind === 'doubtful') {
    session.context.log('power.doubtful', { doubt: choice.doubt, level: 'warn' });
    return 'unknown';
  }
  if (choice.kind === 'own' && choice.mark.state === 'building') return 'unknown';
  return livePower(session, choice.machine.row);
}

async function livePower(session: Session, row: Row): Promise<Power> {
  try {
    const live = await readLive(session, row, nodeLimitMs);
    if (isRunning(live) && !isPaused(live) && live.qmp !== 'running') {
      session.context.log('power.odd', { machine: row.vmid, qmp: live.qmp, level: 'warn' });
    }
    return powerOf(live);
  } catch (thrown) {
    // The cluster has just answered: it is this machine or its node that does not.
    const passing = isAbsentHere(thrown, row.vmid) || isOnTheWay(thrown);
    if (!passing || isOutage(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    session.context.log('power.unknown', { machine: row.vmid, error, level: 'warn' });
    return 'unknown';
  }
}

import type { Instance } from '../../contract/instance.ts';
import type { Power } from '../../contract/machine.ts';
import { expectFailure, isOutage } from '../../failure.ts';
import { isOnTheWay } from '../../kit/http/trouble.ts';
import { nodeLimitMs } from './inventory.ts';
import { isPaused, isRunning, powerOf, readLive } from './live.ts';
import { look, missing } from './look.ts';
import type { Rig } from './rig.ts';
import { isAbsentHere } from './said.ts';
import type { Row } from './wire.ts';

export async function power(rig: Rig, instance: Instance): Promise<Power> {
  const choice = await look(rig, instance);
  if (choice.kind === 'missing' || choice.kind === 'leaving') throw missing(instance);
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
    // The cluster has just answered: it is this machine or its node that does not.
    const passing = isAbsentHere(thrown, row.vmid) || isOnTheWay(thrown);
    if (!passing || isOutage(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    rig.context.log('power.unknown', { machine: row.vmid, error, level: 'warn' });
    return 'unknown';
  }
}

import type { StopManner } from '../../../contract/driver.ts';
import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/trouble.ts';
import { run } from '../api/tasks.ts';
import { isPaused, isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import { breakOffReboot, keepOff, mayComeBack } from './pending-restart.ts';
import type { Session } from './session.ts';
import { cutPower } from './switch.ts';

/**
 * Ends with the power off, and with nothing under way that would switch it on again; a guest that runs
 * is asked first, for as long as its grace lasts. Answers whether the machine was on.
 */
export async function powerOff(
  session: Session,
  machine: Machine,
  manner: StopManner,
): Promise<boolean> {
  const tasks = await breakOffReboot(session, machine);
  const ran = await switchOff(session, machine, manner);
  return mayComeBack(session, tasks, ran) ? (await keepOff(session, machine)) || ran : ran;
}

async function switchOff(session: Session, machine: Machine, manner: StopManner): Promise<boolean> {
  const live = await readLive(session, machine);
  const ran = isRunning(live);
  if (!ran && !live.keptOn) return false;
  // A paused guest cannot answer.
  if (ran && manner === 'graceful' && !isPaused(live)) {
    await shutDown(session, machine);
    if (!isRunning(await readLive(session, machine))) return true;
  }
  await cutPower(session, machine);
  return ran;
}

/** Asks the guest to shut down and leaves enough of the time to cut its power. */
async function shutDown(session: Session, { vmid, node, mark }: Machine): Promise<void> {
  const { grace_seconds } = session.settings;
  const seconds = Math.floor(Math.min(grace_seconds, session.api.deadline.remainingMs() / 2000));
  if (seconds < 1) return;
  try {
    await run(session, {
      path: path`/nodes/${node}/qemu/${vmid}/status/shutdown`,
      params: { timeout: seconds },
      what: `shut the guest of machine ${vmid} down`,
      doing: `the guest of machine ${vmid} was shutting down`,
    });
  } catch (thrown) {
    if (isOnTheWay(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    session.context.log('stop.ungraceful', { machine: vmid, name: mark.name, error });
  }
}

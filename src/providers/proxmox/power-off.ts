import type { StopManner } from '../../contract/driver.ts';
import { expectFailure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import { isOnTheWay } from '../../kit/http/trouble.ts';
import { breakOffReboot, keepOff, mayComeBack } from './comeback.ts';
import { isPaused, isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import type { Rig } from './rig.ts';
import { cutPower } from './switch.ts';
import { run } from './tasks.ts';

/**
 * Ends with the power off, and with nothing under way that would switch it on again; a guest that runs
 * is asked first, for as long as its grace lasts. Answers whether the machine was on.
 */
export async function powerOff(rig: Rig, machine: Machine, manner: StopManner): Promise<boolean> {
  const tasks = await breakOffReboot(rig, machine);
  const ran = await switchOff(rig, machine, manner);
  return mayComeBack(rig, tasks, ran) ? (await keepOff(rig, machine)) || ran : ran;
}

async function switchOff(rig: Rig, machine: Machine, manner: StopManner): Promise<boolean> {
  const live = await readLive(rig, machine);
  const ran = isRunning(live);
  if (!ran && !live.keptOn) return false;
  // A paused guest cannot answer.
  if (ran && manner === 'graceful' && !isPaused(live)) {
    await shutDown(rig, machine);
    if (!isRunning(await readLive(rig, machine))) return true;
  }
  await cutPower(rig, machine);
  return ran;
}

/** Asks the guest to shut down and leaves enough of the time to cut its power. */
async function shutDown(rig: Rig, { vmid, node, mark }: Machine): Promise<void> {
  const { grace_seconds } = rig.settings;
  const seconds = Math.floor(Math.min(grace_seconds, rig.api.deadline.remainingMs() / 2000));
  if (seconds < 1) return;
  try {
    await run(rig, {
      path: path`/nodes/${node}/qemu/${vmid}/status/shutdown`,
      params: { timeout: seconds },
      what: `shut the guest of machine ${vmid} down`,
      doing: `the guest of machine ${vmid} was shutting down`,
    });
  } catch (thrown) {
    if (isOnTheWay(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    rig.context.log('stop.ungraceful', { machine: vmid, name: mark.name, error });
  }
}

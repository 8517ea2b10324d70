import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { poll } from '../../../kit/poll.ts';
import { run } from '../api/tasks.ts';
import { take } from './find.ts';
import { isPaused, isRunning, type Live, readLive } from './live.ts';
import { isBuilding, type Machine } from './machine.ts';
import { comebackMs } from './pending-restart.ts';
import { halfMade, notRunning } from './power.ts';
import type { Session } from './session.ts';
import { resumeGuest, switchOn } from './switch.ts';

/** Asks the guest to restart and ends when it is back; one that does not listen is reset. */
export async function reboot(session: Session, instance: Instance): Promise<void> {
  const machine = await take(session, instance);
  if (isBuilding(machine)) throw halfMade(machine);
  const before = await readLive(session, machine);
  if (!isRunning(before)) throw notRunning(machine);
  if (isPaused(before)) {
    await resetGuest(session, machine);
    return resumeGuest(session, machine);
  }
  if (await asked(session, machine)) await comeback(session, machine, before);
  else await resetGuest(session, machine);
}

export async function resetGuest(session: Session, { vmid, node }: Machine): Promise<void> {
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/status/reset`,
    what: `reset machine ${vmid}`,
    doing: `machine ${vmid} was being reset`,
  });
}

/** Whether the guest did what it was asked for, within its grace and half of the time there is. */
async function asked(session: Session, { vmid, node }: Machine): Promise<boolean> {
  const { settings, api } = session;
  const seconds = Math.floor(Math.min(settings.grace_seconds, api.deadline.remainingMs() / 2000));
  if (seconds < 1) return false;
  try {
    await run(session, {
      path: path`/nodes/${node}/qemu/${vmid}/status/reboot`,
      params: { timeout: seconds },
      what: `reboot machine ${vmid}`,
      doing: `the guest of machine ${vmid} was shutting down`,
    });
    return true;
  } catch (thrown) {
    if (!/^VM quit\/powerdown failed/.test(remoteMessage(thrown))) throw thrown;
    session.context.log('reboot.reset', { machine: vmid, error: expectFailure(thrown).message });
    return false;
  }
}

/**
 * The task ends while the machine is still off: the node starts it again in another task. When it
 * does not, we do.
 */
async function comeback(session: Session, machine: Machine, before: Live): Promise<void> {
  const { deadline } = session.api;
  const givenUpAt = deadline.remainingMs() - comebackMs;
  const look = async (): Promise<'back' | 'off' | undefined> => {
    const live = await readLive(session, machine);
    if (isRunning(live) && live.pid !== before.pid) return 'back';
    return !isRunning(live) && deadline.remainingMs() < givenUpAt ? 'off' : undefined;
  };
  const doing = `machine ${machine.vmid} was not back yet`;
  const end = await poll(deadline, doing, look, { firstMs: 100, growth: 1.3, mostMs: 1000 });
  if (end === 'off') await switchOn(session, machine);
}

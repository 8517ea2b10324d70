import { expectFailure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Pace, poll } from '../../../kit/poll.ts';
import { stopPace } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { resumeGuest, switchOn } from './power.ts';
import { pendingRestartMs } from './power-off.ts';
import { isPaused, isRunning, type Live, type Place, readLive } from './read.ts';
import type { Session } from './session.ts';

/** Asks the guest to restart and ends when it is back; a guest that does not listen is reset. */
export async function restart(session: Session, place: Place): Promise<void> {
  const before = session.lives.get(place.vmid) ?? (await readLive(session, place));
  if (isPaused(before)) {
    await resetGuest(session, place);
    return resumeGuest(session, place);
  }
  if (await hasObeyed(session, place)) await waitUntilBack(session, place, before);
  else await resetGuest(session, place);
}

export async function resetGuest(session: Session, { vmid, node }: Place): Promise<void> {
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/status/reset`,
    what: `reset machine ${vmid}`,
    doing: `machine ${vmid} was being reset`,
  });
}

/** Whether the guest went down when it was asked to, within its time and half of what there is. */
async function hasObeyed(session: Session, { vmid, node }: Place): Promise<boolean> {
  const { settings, context } = session;
  const halfSeconds = context.deadline.remainingMs() / 2000;
  const seconds = Math.floor(Math.min(settings.grace_seconds, halfSeconds));
  if (seconds < 1) return false;
  try {
    await run(session, {
      path: path`/nodes/${node}/qemu/${vmid}/status/reboot`,
      params: { timeout: seconds },
      what: `reboot machine ${vmid}`,
      doing: `the guest of machine ${vmid} was shutting down`,
      pace: stopPace,
    });
    return true;
  } catch (thrown) {
    if (!/^VM quit\/powerdown failed/.test(remoteMessage(thrown))) throw thrown;
    context.log('reboot.reset', { machine: vmid, error: expectFailure(thrown).message });
    return false;
  }
}

/** The node has the machine back after about 1.7 seconds. */
export const backPace: Pace = {
  first: [100, 400, 500, 250, 150, 150, 150, 150, 200, 200],
  firstMs: 300,
  growth: 1.3,
  mostMs: 1000,
};

/**
 * The task ends while the machine is still off: the node starts it again in another task. When the
 * node does not, this call does.
 */
async function waitUntilBack(session: Session, place: Place, before: Live): Promise<void> {
  const { deadline } = session.context;
  const givenUpAt = deadline.remainingMs() - pendingRestartMs;
  const look = async (): Promise<'back' | 'off' | undefined> => {
    const live = await readLive(session, place);
    if (isRunning(live) && live.pid !== before.pid) return 'back';
    return !isRunning(live) && deadline.remainingMs() < givenUpAt ? 'off' : undefined;
  };
  const doing = `machine ${place.vmid} was not back yet`;
  const end = await poll(deadline, doing, look, backPace);
  if (end === 'off') await switchOn(session, place);
}

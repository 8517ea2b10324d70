import { Failure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { poll } from '../../../kit/poll.ts';
import { withUndo } from '../../../kit/undo.ts';
import { cancel, overdue, stopPace } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { isRunning, type Live, type Place, readLive } from './read.ts';
import type { Session } from './session.ts';

/**
 * Ends when the machine is seen running; a start that could not end is taken back, but an unfinished
 * machine that runs is left to the call that takes it away or finishes it. Answers whether the start
 * was ours: another call may have been faster.
 */
export async function switchOn(
  session: Session,
  place: Place,
  options: { readonly unfinished?: boolean } = {},
): Promise<boolean> {
  try {
    return await switchOnOnce(session, place, options);
  } catch (thrown) {
    if (!/:iso\//.test(remoteMessage(thrown))) throw thrown;
    const { ejectSeeds, isOverSeed } = await import('../guest/missing-seed.ts');
    if (!isOverSeed(thrown)) throw thrown;
    await ejectSeeds(session, place);
    return switchOnOnce(session, place, options);
  }
}

function switchOnOnce(
  session: Session,
  place: Place,
  { unfinished = false }: { readonly unfinished?: boolean },
): Promise<boolean> {
  return withUndo(session.context, async (undo) => {
    const { vmid } = place;
    let ours = true;
    undo.add(`take back the start of machine ${vmid}`, async (deadline) => {
      if (!ours) return;
      const margin = session.at(deadline);
      if (unfinished && isRunning(await readLive(margin, place))) return;
      if (task !== undefined) await cancel(margin, task);
      if (unfinished) return;
      if (isRunning(await readLive(margin, place))) await cutPower(margin, place);
    });
    let task: string | undefined;
    try {
      await run(session, {
        path: path`/nodes/${place.node}/qemu/${vmid}/status/start`,
        what: `start machine ${vmid}`,
        doing: `machine ${vmid} was starting`,
        takenBack: true,
        begun: (upid) => {
          task = upid;
        },
      });
    } catch (thrown) {
      if (remoteMessage(thrown) !== `VM ${vmid} already running`) throw thrown;
      ours = false;
    }
    await waitFor(session, place, isRunning, `machine ${vmid} was not running yet`);
    return ours;
  });
}

/** Where HA is in charge, a start or stop is only a wish: the machine itself has to be looked at. */
export async function waitFor(
  session: Session,
  place: Place,
  wanted: (live: Live) => boolean,
  doing: string,
): Promise<Live> {
  const look = async (): Promise<Live | undefined> => {
    const live = await readLive(session, place);
    return wanted(live) ? live : undefined;
  };
  try {
    return await poll(session.context.deadline, doing, look, {
      firstMs: 50,
      growth: 1.4,
      mostMs: 2000,
    });
  } catch (thrown) {
    throw overdue(session.api, doing, thrown);
  }
}

/** Cuts the power; a shutdown that is under way is overruled. */
export async function cutPower(session: Session, place: Place): Promise<void> {
  const { vmid, node } = place;
  const work = {
    path: path`/nodes/${node}/qemu/${vmid}/status/stop`,
    what: `stop machine ${vmid}`,
    doing: `machine ${vmid} was being stopped`,
    pace: stopPace,
  };
  try {
    await run(session, { ...work, params: { 'overrule-shutdown': 1 } });
  } catch (thrown) {
    // Before 8.1 there is no such parameter.
    const errors = thrown instanceof Failure ? thrown.remote.errors : undefined;
    if (errors?.['overrule-shutdown'] === undefined) throw thrown;
    await run(session, work);
  }
  await waitFor(session, place, (live) => !isRunning(live), `machine ${vmid} was still running`);
}

export async function resumeGuest(session: Session, { vmid, node }: Place): Promise<void> {
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/status/resume`,
    what: `resume machine ${vmid}`,
    doing: `machine ${vmid} was being resumed`,
  });
}

/** Lets failures with that text pass. */
export async function ignoring(work: Promise<void>, text: RegExp): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (!text.test(remoteMessage(thrown))) throw thrown;
  }
}

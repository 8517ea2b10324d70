import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import { poll } from '../../../kit/poll.ts';
import { endedWell } from '../api/error-texts.ts';
import { cancel, stopPace } from '../api/task-state.ts';
import { run } from '../api/tasks.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { cutPower } from './power.ts';
import { isPaused, isRunning, type Live, type Place, readLive } from './read.ts';
import type { Session } from './session.ts';

/*
 * A reboot leaves a note on the node that the machine is to be started again, waits until the guest
 * has gone, and ends. The node's clean-up after a QEMU reads the note a moment later and starts the
 * machine in a task of root's own, whether or not the machine was stopped meanwhile: a stop of a machine
 * that is off does nothing. Only a reboot that fails or is interrupted takes its note back, and any
 * start does. (qemu-server: vm_reboot, `qm cleanup`, vm_start_nolock.)
 */

/** How long the node may take to start the machine again; it does so within seconds. */
export const pendingRestartMs = 20_000;

interface Task {
  readonly upid: string;
  readonly type: string;
  readonly since: number;
  /** Absent while it runs. */
  readonly end: number | undefined;
  readonly exit: string;
}

/** A stop that has begun: no reboot of ours is under way any more. */
export interface Stop {
  readonly tasks: readonly Task[];
  /** How the machine was after that. */
  readonly live: Live;
  isOff: boolean;
}

/** Whether the guest went down within the milliseconds given. */
export async function shutDown(session: Session, place: Place, ms: number): Promise<boolean> {
  const stop = await beginStop(session, place);
  const { vmid, node } = place;
  const seconds = Math.floor(ms / 1000);
  if (!isRunning(stop.live)) return true;
  // A paused guest cannot answer.
  if (isPaused(stop.live) || seconds < 1) return false;
  try {
    await run(session, {
      path: path`/nodes/${node}/qemu/${vmid}/status/shutdown`,
      params: { timeout: seconds },
      what: `shut the guest of machine ${vmid} down`,
      doing: `the guest of machine ${vmid} was shutting down`,
      pace: stopPace,
    });
  } catch (thrown) {
    if (isOnTheWay(thrown)) throw thrown;
    const { message: error } = expectFailure(thrown);
    session.context.log('stop.refused', { machine: vmid, error });
  }
  stop.isOff = !isRunning(await readLive(session, place));
  return stop.isOff;
}

/** Cuts the power, also of a machine that is off and that HA would switch on again. */
export async function switchOff(session: Session, place: Place): Promise<void> {
  const stop = await beginStop(session, place);
  const { status, keptOn } = stop.live;
  if (stop.isOff || (status === 'stopped' && !keptOn)) return;
  await cutPower(session, place);
  stop.isOff = true;
}

/** Ends when nothing under way can switch the machine on any more; answers whether it was on. */
export async function ensureStaysOff(session: Session, place: Place): Promise<boolean> {
  const { tasks, live } = await beginStop(session, place);
  await switchOff(session, place);
  const ran = isRunning(live);
  return hasPendingRestart(session, tasks, ran)
    ? (await cutPendingRestart(session, place)) || ran
    : ran;
}

/** Breaks reboots off and looks at the machine then, once for all primitives of a stop. */
export async function beginStop(session: Session, place: Place): Promise<Stop> {
  const key = `${place.node}/${place.vmid}`;
  const begun = session.stops.get(key);
  if (begun !== undefined) return begun;
  const tasks = await breakOffReboot(session, place);
  const stop: Stop = { tasks, live: await readLive(session, place), isOff: false };
  session.stops.set(key, stop);
  return stop;
}

/**
 * Breaks a reboot off, which would bring the machine back when its guest has gone. Answers the tasks
 * that may switch the machine on all the same: another account's reboot is not always ours to break off.
 */
async function breakOffReboot(session: Session, place: Place): Promise<readonly Task[]> {
  const tasks = await tasksOf(session, place);
  for (const { upid, type, end } of tasks) {
    if (type !== 'qmreboot' || end !== undefined) continue;
    session.context.log('stop.reboot', { machine: place.vmid, task: upid, level: 'warn' });
    await cancel(session, upid).catch((thrown: unknown) =>
      session.context.log('stop.reboot-goes-on', {
        task: upid,
        error: expectFailure(thrown).message,
      }),
    );
  }
  return tasks;
}

/** Waits until nothing can switch the machine on any more and cuts its power if that has happened. */
async function cutPendingRestart(session: Session, place: Place): Promise<boolean> {
  const look = async (): Promise<'off' | 'came back' | undefined> => {
    const tasks = await tasksOf(session, place);
    if (!isRunning(await readLive(session, place))) {
      return hasPendingRestart(session, tasks, false) ? undefined : 'off';
    }
    session.context.log('stop.came-back', { machine: place.vmid, level: 'warn' });
    await cutPower(session, place);
    return 'came back';
  };
  const doing = `machine ${place.vmid} was about to be switched on again`;
  const end = await poll(session.context.deadline, doing, look, {
    firstMs: 50,
    growth: 1.3,
    mostMs: 1000,
  });
  return end === 'came back';
}

/** The tasks lately begun on the machine that end with its power on. */
async function tasksOf(session: Session, { node, vmid }: Place): Promise<readonly Task[]> {
  const ask = {
    what: `see what is under way on machine ${vmid}`,
    query: { vmid, source: 'all', limit: 50 },
  };
  const tasks = listOf(await session.api.get(path`/nodes/${node}/tasks`, ask)).map(taskOf);
  return tasks.filter(({ type }) => /^(qmreboot|qmstart|qmresume|qmrollback|hastart)$/.test(type));
}

function taskOf(entry: unknown): Task {
  const task = recordOf(entry);
  return {
    upid: textOf(task['upid']) ?? '',
    type: textOf(task['type']) ?? '',
    since: numberOf(task['starttime']) ?? 0,
    end: numberOf(task['endtime']),
    exit: textOf(task['status']) ?? '',
  };
}

/** Whether one of those tasks may switch the machine on, which `ran` when it was read after them. */
function hasPendingRestart(session: Session, tasks: readonly Task[], ran: boolean): boolean {
  const now = session.api.now();
  return tasks.some(({ type, end, exit }) => {
    if (end === undefined) return true;
    if (type !== 'qmreboot' || now - end > pendingRestartMs / 1000) return false;
    // One that has failed leaves no note, one whose worker was killed does.
    const isNoted = exit === 'unexpected status' || (endedWell(exit) && !ran);
    return isNoted && !tasks.some((later) => later.type !== 'qmreboot' && later.since >= end);
  });
}

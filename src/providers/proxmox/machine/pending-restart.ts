import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { poll } from '../../../kit/poll.ts';
import { endedWell } from '../api/remote-error.ts';
import { cancel } from '../api/task-state.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import { isRunning, readLive } from './live.ts';
import type { Machine } from './machine.ts';
import type { Session } from './session.ts';
import { cutPower } from './switch.ts';

/*
 * A reboot leaves a note on the node that the machine is to be started again, waits until the guest
 * has gone, and ends. What the node does when a QEMU ends reads the note a moment later and starts the
 * machine in a task of root's own, whether or not anybody has stopped it meanwhile: a stop of what is
 * off does nothing. Only a reboot that fails or is interrupted takes its note back, and any start does.
 * (qemu-server: vm_reboot, `qm cleanup`, vm_start_nolock.)
 */

/** How long the node may take to start the machine again; it does so within seconds. */
export const comebackMs = 20_000;

type Place = Pick<Machine, 'vmid' | 'node'>;

export interface Task {
  readonly upid: string;
  readonly type: string;
  readonly since: number;
  /** Absent while it runs. */
  readonly end: number | undefined;
  readonly exit: string;
}

/**
 * Breaks a reboot off, which would bring the machine back when its guest has gone. Answers what may
 * switch the machine on all the same: somebody else's reboot is not always ours to break off.
 */
export async function breakOffReboot(session: Session, place: Place): Promise<readonly Task[]> {
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
export async function keepOff(session: Session, place: Place): Promise<boolean> {
  const look = async (): Promise<'off' | 'came back' | undefined> => {
    const tasks = await tasksOf(session, place);
    if (!isRunning(await readLive(session, place))) {
      return mayComeBack(session, tasks, false) ? undefined : 'off';
    }
    session.context.log('stop.came-back', { machine: place.vmid, level: 'warn' });
    await cutPower(session, place);
    return 'came back';
  };
  const doing = `machine ${place.vmid} was about to be switched on again`;
  const end = await poll(session.api.deadline, doing, look, {
    firstMs: 50,
    growth: 1.3,
    mostMs: 1000,
  });
  return end === 'came back';
}

/** What has lately been begun on the machine that ends with its power on. */
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

/** Whether one of those tasks may switch the machine on, which `ran` when it was looked at after them. */
export function mayComeBack(session: Session, tasks: readonly Task[], ran: boolean): boolean {
  const now = session.api.now();
  return tasks.some(({ type, end, exit }) => {
    if (end === undefined) return true;
    if (type !== 'qmreboot' || now - end > comebackMs / 1000) return false;
    // One that has failed leaves no note, one whose worker was killed does.
    const isNoted = exit === 'unexpected status' || (endedWell(exit) && !ran);
    return isNoted && !tasks.some((later) => later.type !== 'qmreboot' && later.since >= end);
  });
}

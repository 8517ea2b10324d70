import type { Instance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { expectFailure, type Failure, reworded, statusOf } from '../../../failure.ts';
import { retryWhile } from '../../../kit/retry.ts';
import { readMark, writeMark } from '../../../lifecycle/mark.ts';
import { isGateway, isUncertain } from '../api/remote-error.ts';
import { type Machine, readMachine } from '../api/wire.ts';
import { longBusyMs, machinePath, restartMs, type Session } from './session.ts';

/** MAAS keeps these with the machine until it is released, and shows them to its owner. */
const markKey = 'outrigger';
const homeKey = 'outrigger-home';
const nameKey = 'outrigger-hostname';
const leftKey = 'outrigger-left';
const leavingKey = 'outrigger-leaving';

const mostTries = 4;

/** The mark that the machine really carries. */
export function markOf(machine: Machine): Mark | 'unreadable' | undefined {
  const text = annotation(machine, markKey);
  // A text in our place that holds no mark is a damaged one.
  return text === undefined ? undefined : (readMark(text) ?? 'unreadable');
}

/** Whether the mark still names the instance, on a machine that was proved to be its before. */
export function isMarkedFor(machine: Machine, { uuid }: Pick<Instance, 'uuid'>): boolean {
  const mark = markOf(machine);
  return typeof mark === 'object' && mark.uuid === uuid;
}

/** The pool from which the machine was taken, whose host reports it wherever it may be moved. */
export function homeOf(machine: Machine): string | undefined {
  return annotation(machine, homeKey);
}

/** The name that the machine had before it got its instance's. */
export function ownNameOf(machine: Machine): string | undefined {
  return annotation(machine, nameKey);
}

/** The UUID of the deleted instance that the machine was adopted for and was left by. */
export function leftBy(machine: Machine): string | undefined {
  return markOf(machine) === undefined ? annotation(machine, leftKey) : undefined;
}

/** Another call has begun to release the unfinished machine, and may have been killed over it. */
export function isLeavingUnfinished(machine: Machine): boolean {
  return annotation(machine, leavingKey) !== undefined;
}

/**
 * Writes on an unfinished machine that it is about to be released; the answer shows whether another
 * call has finished it meanwhile. A call that finishes one looks for this in the answer to its own
 * writing, so that of two calls at least one learns of the other.
 */
export function announceLeaving(
  session: Session,
  machine: Machine,
  { uuid }: Instance,
): Promise<Machine> {
  return annotate(session, machine, { [leavingKey]: uuid });
}

export async function withdrawLeaving(session: Session, machine: Machine): Promise<void> {
  await annotate(session, machine, { [leavingKey]: '' });
}

export async function writeMarkOn(
  session: Session,
  machine: Machine,
  mark: Mark,
): Promise<Machine> {
  const home = homeOf(machine) ?? machine.pool?.name;
  return annotate(session, machine, {
    [markKey]: writeMark(mark),
    ...(home === undefined || home === '' ? {} : { [homeKey]: home }),
    ...(leftBy(machine) === undefined ? {} : { [leftKey]: '' }),
  });
}

/** Keeps the machine's own name with it, for when it is released. */
export async function keepOwnName(session: Session, machine: Machine): Promise<void> {
  await annotate(session, machine, { [nameKey]: machine.hostname });
}

/**
 * The machine is no instance's any more. A note of its release stays on it: under the instance's agent
 * name or stored id it would else pass for one that lost its mark.
 */
export function removeMark(
  session: Session,
  machine: Machine,
  { uuid }: Instance,
): Promise<Machine> {
  const form = { [markKey]: '', [homeKey]: '', [nameKey]: '', [leavingKey]: '', [leftKey]: uuid };
  return annotate(session, machine, form);
}

/** Twice is as good as once, so that a lost answer is simply asked for again. */
async function annotate(
  { client, deadline }: Session,
  { system_id }: Machine,
  form: Readonly<Record<string, string>>,
): Promise<Machine> {
  const what = `mark machine ${system_id}`;
  const query = { op: 'set_workload_annotations' };
  const beganMs = deadline.remainingMs();
  const policy = {
    deadline,
    doing: `waiting to ${what}`,
    pauseMs(thrown: unknown, turn: number) {
      const waited = beganMs - deadline.remainingMs();
      const again = isGateway(thrown)
        ? waited < restartMs
        : isUncertain(thrown) && turn < mostTries;
      return again ? Math.min(5_000, 300 * 2 ** turn) : undefined;
    },
  };
  return retryWhile(policy, async () => {
    const ask = { what, query, form, deadline, busyTimeoutMs: longBusyMs };
    return readMachine((await client.post(machinePath(system_id), ask)).json());
  }).catch((thrown) => {
    throw statusOf(thrown) === 409 ? notOwner(expectFailure(thrown), system_id) : thrown;
  });
}

/** MAAS lets only the owner annotate a machine, and no user one without an owner. */
function notOwner(failure: Failure, systemId: string): Failure {
  return reworded(failure, {
    advice: `Machine ${systemId} belongs to another MAAS user than the key, or to none: use a key of its owner, administrators included`,
  });
}

function annotation(machine: Machine, key: string): string | undefined {
  const all = machine.workload_annotations ?? machine.owner_data ?? {};
  const value = Object.hasOwn(all, key) ? all[key] : undefined;
  return value === '' ? undefined : value;
}

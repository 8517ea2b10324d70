import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, Failure, hasReason, statusOf } from '../../../failure.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { announceLeaving, isMarkedFor, withdrawLeaving } from './annotations.ts';
import { type Reason, reasonOf, releaseComment } from './events.ts';
import { claimsOf } from './find.ts';
import { restoreName } from './hostname.ts';
import { type Seen, seen } from './match.ts';
import { operate } from './operate.ts';
import { nameOf, readOne, refuseIfLocked, type Session } from './session.ts';

/** Releases the instance's machine; one that MAAS is taking away already needs nothing more. */
export async function destroy(session: Session, instance: Instance, machine: Seen): Promise<void> {
  if (isLeaving(machine.machine.status)) return;
  await release(session, instance, machine.machine, reasonFor(machine, instance));
}

function reasonFor(machine: Seen, { name }: Instance): Reason {
  if (machine.stuck) return { why: `${name} gives it back again` };
  if (!isBuilding(machine)) return { why: `instance ${name} was deleted` };
  const failed = machine.machine.status === status.failedDeployment;
  return failed
    ? { why: `deployment of ${name} failed`, blame: 'failed' }
    : { why: `claim of ${name} was not used` };
}

/** Releases what was claimed and not finished, unless another call has finished it meanwhile. */
export async function releaseUnfinished(
  session: Session,
  instance: Instance,
  machine: Seen,
  reason = reasonFor(machine, instance),
): Promise<void> {
  if (!(await claimRemoval(session, instance, machine.machine))) return;
  await release(session, instance, machine.machine, reason);
}

/** As `releaseUnfinished`, for undo: only while the machine still is the instance's claim. */
export async function takeBack(
  session: Session,
  instance: Instance,
  { system_id }: Machine,
  reason: Reason,
): Promise<void> {
  const claims = await claimsOf(session, instance);
  const machine = claims.find((each) => each.system_id === system_id);
  if (machine !== undefined) await releaseUnfinished(session, instance, seen(machine), reason);
}

/** Announces the removal of an unfinished machine; `false` when another call has finished it by now. */
export async function claimRemoval(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<boolean> {
  if (!isBuilding(seen(machine)) || machine.status === status.failedDeployment) return true;
  const { log } = session;
  const { system_id } = machine;
  const note = (event: string) => (thrown: unknown) =>
    log(event, { level: 'warn', machine: system_id, error: expectFailure(thrown).message });
  const unannounced = (thrown: unknown): void => {
    // Another user owns it by now, or it is locked: it is not for this call to release.
    if ([403, 409].includes(statusOf(thrown) ?? 0)) throw thrown;
    // A machine that cannot be written on cannot be finished by another call either.
    note('release.unannounced')(thrown);
  };
  const now = await announceLeaving(session, machine, instance).catch(unannounced);
  if (now === undefined || isBuilding(seen(now))) return true;
  await withdrawLeaving(session, machine).catch(note('release.not-withdrawn'));
  return false;
}

/**
 * Releases the instance's machine, with the operator's way of erasing once something may have been
 * written to its disks. Ends when MAAS has accepted it and nothing has failed since.
 */
export async function release(
  session: Session,
  instance: Instance,
  machine: Machine,
  reason: Reason,
): Promise<void> {
  refuseIfLocked(machine, instance);
  if (!isLeaving(machine.status)) {
    const system = [machine.osystem, machine.distro_series].filter((part) => part !== '').join('/');
    const about = { system, uuid: instance.uuid, nowMs: Date.now() };
    const comment = releaseComment(reasonOn(machine, reason), about);
    const erase = erasing(session, machine);
    await restoreName(session, machine);
    await request(session, instance, machine, { comment, ...erase });
    session.log('machine.released', { machine: machine.system_id, ...reason, ...erase });
  }
  await watch(session, instance, machine);
}

/** MAAS ends a deployment like any failed one when the BMC says that it cannot switch the machine on. */
function reasonOn({ power_state }: Machine, reason: Reason): Reason {
  return reason.blame === 'failed' && power_state === 'error'
    ? { ...reason, blame: 'dead' }
    : reason;
}

/** A machine that is the instance's no more needs no release. */
async function request(
  session: Session,
  instance: Instance,
  machine: Machine,
  form: Readonly<Record<string, string>>,
): Promise<void> {
  const operation = { op: 'release', what: `release machine ${machine.system_id}`, form };
  try {
    await operate(session, instance, machine, operation, ({ status: now }) => isLeaving(now));
  } catch (thrown) {
    if (!hasReason(thrown, 'taken-away')) throw thrown;
  }
}

/** Nothing has been written to a machine that was only allocated. */
function erasing({ settings }: Session, machine: Machine): Readonly<Record<string, string>> {
  if (machine.status === status.allocated || settings.erase === 'none') return {};
  if (settings.erase === 'quick') return { erase: 'true', quick_erase: 'true' };
  if (settings.erase === 'secure') return { erase: 'true', secure_erase: 'true' };
  return { erase: 'true' };
}

async function watch(session: Session, instance: Instance, { system_id }: Machine): Promise<void> {
  const { deadline, settings } = session;
  const endMs = Math.max(0, deadline.remainingMs() - settings.release_watch_seconds * 1000);
  for (let pauseMs = 50; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const machine = await lookAgain(session, system_id);
    if (machine === undefined || !isMarkedFor(machine, instance)) return;
    if (isStuck(machine.status)) throw await notReleased(session, instance, machine);
    if (!isLeaving(machine.status) || deadline.remainingMs() - pauseMs <= endMs) return;
    await deadline.sleep(pauseMs, `waiting for machine ${system_id} to be released`);
  }
}

/** Gone, or another user's who is faster than this look: both mean that it was released. */
async function lookAgain(session: Session, systemId: string): Promise<Machine | undefined> {
  try {
    return await readOne(session, systemId, { busyTimeoutMs: 10_000 });
  } catch (thrown) {
    if (statusOf(thrown) === 403 || statusOf(thrown) === 404) return undefined;
    const { message: error } = expectFailure(thrown);
    // MAAS has accepted the release; that it cannot be watched is no reason to fail.
    session.log('release.unwatched', { level: 'warn', machine: systemId, error });
    return undefined;
  }
}

async function notReleased(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<Failure> {
  const erasing = machine.status === status.failedErasing;
  const problem = erasing ? 'its disks could not be erased' : 'it could not be switched off';
  const reason = await reasonOf(session, machine);
  const text = `${nameOf(machine)} of ${instance.name} was not released: ${problem}${reason}`;
  return new Failure('upstream', text, {
    advice: "Look at the machine's BMC and its events in MAAS, then try again",
    tenant:
      'The machine of this instance could not be released; your administrator has to look at it',
  });
}

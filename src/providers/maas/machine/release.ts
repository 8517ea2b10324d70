import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, Failure, hasReason, statusOf } from '../../../failure.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { announceLeaving, isMarkedFor, markOf, withdrawLeaving } from './annotations.ts';
import { type Reason, releaseComment } from './events.ts';
import { claimsOf } from './find.ts';
import { restoreName } from './hostname.ts';
import { isBuilding } from './match.ts';
import { operate } from './operate.ts';
import { reasonOf } from './reason.ts';
import { nameOf, type Rig, readOne, refuseIfLocked } from './session.ts';

/**
 * Gives the instance's machine back, with the operator's way of erasing once something may have
 * been written to its disks. Ends when MAAS has accepted it and nothing has failed since.
 */
export async function release(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  reason: Reason,
): Promise<void> {
  refuseIfLocked(machine, instance);
  const { system_id } = machine;
  if (!isLeaving(machine.status)) {
    const comment = releaseComment(reason, Date.now());
    const erase = erasing(rig, machine);
    await restoreName(rig, machine);
    await ask(rig, instance, machine, { comment, ...erase });
    rig.context.log('machine.released', { machine: system_id, ...reason, ...erase });
  }
  await watch(rig, instance, machine);
}

/** Gives back what was claimed and not finished, unless another call has finished it meanwhile. */
export async function releaseUnfinished(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  reason: Reason,
): Promise<void> {
  if (await isFinishedNow(rig, instance, machine)) return;
  await release(rig, instance, machine, reason);
}

/** As `releaseUnfinished`, for undo: only while the machine still is the instance's claim. */
export async function takeBack(
  rig: Rig,
  instance: Instance,
  { system_id }: Machine,
  reason: Reason,
): Promise<void> {
  const claims = await claimsOf(rig, instance);
  const machine = claims.find((each) => each.system_id === system_id);
  if (machine !== undefined) await releaseUnfinished(rig, instance, machine, reason);
}

async function isFinishedNow(rig: Rig, instance: Instance, machine: Machine): Promise<boolean> {
  if (!isBuilding(markOf(machine)) || machine.status === status.failedDeployment) return false;
  const { log } = rig.context;
  const { system_id } = machine;
  const note = (event: string) => (thrown: unknown) =>
    log(event, { level: 'warn', machine: system_id, error: expectFailure(thrown).message });
  // What nobody can write on, nobody can finish.
  const now = await announceLeaving(rig, machine, instance).catch(note('release.unannounced'));
  if (now === undefined || isBuilding(markOf(now))) return false;
  log('release.spared', { machine: system_id });
  await withdrawLeaving(rig, machine).catch(note('release.not-withdrawn'));
  return true;
}

/** What is the instance's no more needs no release. */
async function ask(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  form: Readonly<Record<string, string>>,
): Promise<void> {
  const order = { op: 'release', what: `release machine ${machine.system_id}`, form };
  try {
    await operate(rig, instance, machine, order, ({ status: now }) => isLeaving(now));
  } catch (thrown) {
    if (!hasReason(thrown, 'taken-away')) throw thrown;
  }
}

/** Nothing has been written to a machine that was only allocated. */
function erasing({ settings }: Rig, machine: Machine): Readonly<Record<string, string>> {
  if (machine.status === status.allocated || settings.erase === 'none') return {};
  if (settings.erase === 'quick') return { erase: 'true', quick_erase: 'true' };
  if (settings.erase === 'secure') return { erase: 'true', secure_erase: 'true' };
  return { erase: 'true' };
}

async function watch(rig: Rig, instance: Instance, { system_id }: Machine): Promise<void> {
  const { deadline } = rig.context;
  const endMs = Math.max(0, deadline.remainingMs() - rig.settings.release_watch_seconds * 1000);
  for (let pauseMs = 50; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const machine = await lookAgain(rig, system_id);
    if (machine === undefined || !isMarkedFor(machine, instance)) return;
    if (isStuck(machine.status)) throw await notGivenBack(rig, instance, machine);
    if (!isLeaving(machine.status) || deadline.remainingMs() - pauseMs <= endMs) return;
    await deadline.sleep(pauseMs, `waiting for machine ${system_id} to be given back`);
  }
}

/** Gone, or somebody else's who is faster than we look: both mean that it was given back. */
async function lookAgain(rig: Rig, systemId: string): Promise<Machine | undefined> {
  try {
    return await readOne(rig, systemId, { patienceMs: 10_000 });
  } catch (thrown) {
    if (statusOf(thrown) === 403 || statusOf(thrown) === 404) return undefined;
    const { message: error } = expectFailure(thrown);
    // MAAS has accepted the release; that nobody can watch it is no reason to fail.
    rig.context.log('release.unwatched', { level: 'warn', machine: systemId, error });
    return undefined;
  }
}

async function notGivenBack(rig: Rig, instance: Instance, machine: Machine): Promise<Failure> {
  const erasing = machine.status === status.failedErasing;
  const problem = erasing ? 'its disks could not be erased' : 'it could not be switched off';
  const reason = await reasonOf(rig, machine);
  return new Failure(
    'upstream',
    `${nameOf(machine)} of ${instance.name} was not given back: ${problem}${reason}`,
    {
      advice: "Look at the machine's BMC and its events in MAAS, then try again",
      tenant:
        'The machine of this instance could not be given back; your administrator has to look at it',
    },
  );
}

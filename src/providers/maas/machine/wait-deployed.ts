import type { Instance } from '../../../contract/instance.ts';
import { isKind, statusOf } from '../../../failure.ts';
import { isUncertain } from '../api/remote-error.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { isMarkedFor } from './annotations.ts';
import { askBmc } from './bmc.ts';
import { notDeployed, tooSlow, withoutPower } from './deploy-failures.ts';
import { takenAway } from './operate.ts';
import { readOne, type Session } from './session.ts';
import { accountOf } from './visibility.ts';

/** Follows a deployment to its end, with what MAAS says about it in the log. */
export async function waitDeployed(
  session: Session,
  instance: Instance,
  systemId: string,
): Promise<Machine> {
  const { deadline, log, settings } = session;
  const beganMs = deadline.remainingMs();
  const mostMs = Math.min(settings.deploy_timeout_seconds * 1000, beganMs - reserveMs(beganMs));
  const spentMs = (): number => beganMs - deadline.remainingMs();
  const watchPower = powerWatch(session, instance);
  let last = '';
  for (let pauseMs = 50; ; pauseMs = Math.min(10_000, pauseMs * 1.5)) {
    const machine = await lookAt(session, systemId);
    const now = machine === undefined ? 'unreachable' : progressOf(machine);
    if (now !== last) {
      log('deploy.progress', { machine: systemId, now, seconds: Math.round(spentMs() / 1000) });
    }
    last = now;
    if (machine !== undefined) {
      if (await isDeployed(session, instance, machine)) return machine;
      await watchPower(machine);
    }
    if (spentMs() + pauseMs > mostMs) throw tooSlow(instance, systemId, spentMs(), last);
    const what = `deploying ${instance.name} on machine ${systemId} (${last})`;
    await deadline.sleep(pauseMs, what);
  }
}

function progressOf({ status_name, status_message }: Machine): string {
  return `${status_name} ${status_message}`.trim();
}

/** Fails for a deployment that came to another end, or is not the instance's any more. */
async function isDeployed(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<boolean> {
  // Released meanwhile, it may be the deployment of another instance that is seen here.
  const isOwn = isMarkedFor(machine, instance) && machine.owner === (await accountOf(session));
  if (!isOwn && machine.status !== status.broken) throw takenAway(instance, machine.system_id);
  if (machine.status === status.deployed) return true;
  if (machine.status !== status.deploying) throw await notDeployed(session, instance, machine);
  return false;
}

/** Kept for releasing the machine, which has to wait for what MAAS is doing just then. */
function reserveMs(leftMs: number): number {
  return Math.min(120_000, leftMs * 0.1);
}

/** A passing outage of the API does not harm a deployment, so that it is no reason to end one. */
async function lookAt(session: Session, systemId: string): Promise<Machine | undefined> {
  try {
    return await readOne(session, systemId);
  } catch (thrown) {
    const broken = (statusOf(thrown) ?? 0) >= 500;
    const passing = broken || isUncertain(thrown) || isKind(thrown, 'unreachable');
    if (!passing || session.deadline.remainingMs() === 0) throw thrown;
    return undefined;
  }
}

/**
 * Called with every look at the machine; fails once it has been without power for too long. A BMC that
 * refuses to switch on leaves MAAS waiting without a word until its own time-out, so that the power
 * itself is looked at. A machine that reboots is off for a moment only.
 */
function powerWatch(session: Session, instance: Instance): (machine: Machine) => Promise<void> {
  const { deadline } = session;
  const mostMs = session.settings.power_timeout_seconds * 1000;
  let darkSinceMs: number | undefined;
  let nextMs = deadline.remainingMs() - mostMs / 4;
  return async (machine) => {
    const nowMs = deadline.remainingMs();
    if (nowMs > nextMs) return;
    nextMs = nowMs - mostMs / 4;
    const state = await askBmc(session, machine.system_id);
    if (state !== 'off' && state !== 'error') darkSinceMs = undefined;
    else darkSinceMs ??= nowMs;
    if (darkSinceMs === undefined || darkSinceMs - nowMs < mostMs) return;
    throw withoutPower(instance, machine, state, darkSinceMs - nowMs);
  };
}

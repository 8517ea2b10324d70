import type { Instance } from '../../../contract/instance.ts';
import { isKind, statusOf } from '../../../failure.ts';
import { isUncertain } from '../api/remote-error.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { isMarkedFor } from './annotations.ts';
import { notDeployed, tooSlow } from './deploy-failures.ts';
import { rename } from './hostname.ts';
import { order, type Plan } from './order.ts';
import { watchPower } from './power-watch.ts';
import { type Rig, readOne } from './session.ts';
import { takenAway } from './taken-away.ts';

/** Installs the system on a claimed machine; ends when it runs. One under way is waited for. */
export async function deploy(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  plan: Plan,
): Promise<Machine> {
  if (machine.status === status.allocated) {
    await rename(rig, instance, machine, plan);
    await order(rig, instance, machine, plan);
  }
  return waitDeployed(rig, instance, machine.system_id);
}

/** Follows a deployment to its end, with what MAAS says about it in the log. */
export async function waitDeployed(
  rig: Rig,
  instance: Instance,
  systemId: string,
): Promise<Machine> {
  const { deadline, log } = rig.context;
  const beganMs = deadline.remainingMs();
  const mostMs = Math.min(rig.settings.deploy_timeout_seconds * 1000, beganMs - reserveMs(beganMs));
  const spentMs = (): number => beganMs - deadline.remainingMs();
  const powerWatch = watchPower(rig, systemId);
  let last = '';
  for (let pauseMs = 50; ; pauseMs = Math.min(10_000, pauseMs * 1.5)) {
    const machine = await look(rig, systemId);
    const now =
      machine === undefined ? 'unreachable' : `${machine.status_name} ${machine.status_message}`;
    if (now !== last)
      log('deploy.progress', { machine: systemId, now, seconds: Math.round(spentMs() / 1000) });
    last = now;
    if (machine !== undefined) {
      // Given back meanwhile, it may be the deployment of another instance that is seen here.
      if (!isMarkedFor(machine, instance)) throw takenAway(instance, systemId);
      if (machine.status === status.deployed) return machine;
      if (machine.status !== status.deploying) throw await notDeployed(rig, instance, machine);
      await powerWatch(machine, instance);
    }
    if (spentMs() + pauseMs > mostMs) throw tooSlow(instance, systemId, spentMs(), last);
    await deadline.sleep(
      pauseMs,
      `deploying ${instance.name} on machine ${systemId} (${last.trim()})`,
    );
  }
}

/** Kept for giving the machine back, which has to wait for what MAAS is doing just then. */
function reserveMs(leftMs: number): number {
  return Math.min(120_000, leftMs * 0.1);
}

/** A passing outage of the API does not harm a deployment, so that it is no reason to end one. */
async function look(rig: Rig, systemId: string): Promise<Machine | undefined> {
  try {
    return await readOne(rig, systemId);
  } catch (thrown) {
    const broken = (statusOf(thrown) ?? 0) >= 500;
    const passing = broken || isUncertain(thrown) || isKind(thrown, 'unreachable');
    if (!passing || rig.context.deadline.remainingMs() === 0) throw thrown;
    return undefined;
  }
}

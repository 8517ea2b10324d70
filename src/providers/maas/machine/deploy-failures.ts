import type { Instance } from '../../../contract/instance.ts';
import { Failure, hasReason } from '../../../failure.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { reasonOf } from './events.ts';
import type { Blame } from './failure-notes.ts';
import { nameOf, type Session } from './session.ts';

/** The blame that a failed deployment leaves behind; nothing when another call or user ended it. */
export function blameOf(thrown: unknown): Blame | undefined {
  if (hasReason(thrown, 'no-power')) return 'dead';
  if (hasReason(thrown, 'deploy-failed')) return 'failed';
  return hasReason(thrown, 'deploy-slow') ? 'slow' : undefined;
}

/** Its BMC never switched it on, or said that it could not. */
export function withoutPower(
  { name }: Instance,
  machine: Machine,
  state: string,
  darkMs: number,
): Failure {
  const text = `Deployment of ${name} on ${nameOf(machine)} failed: it has no power (BMC says ${state}) for ${seconds(darkMs)} s`;
  return new Failure('upstream', text, {
    advice: "Check the machine's BMC and its power settings in MAAS",
    reason: 'no-power',
  });
}

/** The deployment came to an end, and not to the one that was wanted; in MAAS's own words. */
export async function notDeployed(
  session: Session,
  instance: Instance,
  machine: Machine,
): Promise<Failure> {
  const reason = await reasonOf(session, machine);
  const where = `${instance.name} on ${nameOf(machine)}`;
  if (machine.status === status.failedDeployment) {
    return new Failure('upstream', `Deployment of ${where} failed${reason}`, {
      advice: 'The events and the installation log of the machine in MAAS say more',
      reason: 'deploy-failed',
    });
  }
  const text = `Deployment of ${where} was ended in MAAS: it is now "${machine.status_name}"${reason}`;
  return new Failure('conflict', text, { reason: 'taken-away' });
}

/** We ended it, before CloudStack would have. */
export function tooSlow(
  { name }: Instance,
  systemId: string,
  spentMs: number,
  last: string,
): Failure {
  const text = `Gave up after ${seconds(spentMs)} s while deploying ${name} on machine ${systemId}, which was still "${last}"`;
  return new Failure('timeout', text, {
    advice:
      'If it is only slow, raise deploy_timeout_seconds, StartCommand in the global setting "commands.timeout" (or "wait"), and node_timeout in MAAS',
    reason: 'deploy-slow',
  });
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

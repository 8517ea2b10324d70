import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import type { Blame } from './memory.ts';
import { reasonOf } from './reason.ts';
import { nameOf, type Rig } from './rig.ts';
import { status } from './statuses.ts';
import { takenAwayFacts } from './taken-away.ts';
import type { Machine } from './wire.ts';

const blameKey = 'blame';

/** What a failed deployment says of the machine; nothing when it was not the machine's fault. */
export function blameOf(failure: Failure): Blame | undefined {
  const blame = failure.facts[blameKey];
  return blame === 'failed' || blame === 'slow' ? blame : undefined;
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
    facts: { [blameKey]: 'failed' satisfies Blame },
  });
}

/** The deployment came to an end, and not to the one that was wanted; in MAAS's own words. */
export async function notDeployed(
  rig: Rig,
  instance: Instance,
  machine: Machine,
): Promise<Failure> {
  const reason = await reasonOf(rig, machine);
  const where = `${instance.name} on ${nameOf(machine)}`;
  if (machine.status === status.failedDeployment) {
    return new Failure('upstream', `Deployment of ${where} failed${reason}`, {
      advice: 'The events and the installation log of the machine in MAAS say more',
      facts: { [blameKey]: 'failed' satisfies Blame },
    });
  }
  const text = `Deployment of ${where} was ended by somebody: it is now "${machine.status_name}"${reason}`;
  return new Failure('conflict', text, { facts: takenAwayFacts });
}

/** We ended it, before CloudStack would have. */
export function tooSlow(
  { name }: Instance,
  systemId: string,
  spentMs: number,
  last: string,
): Failure {
  const text = `Gave up after ${seconds(spentMs)} s while deploying ${name} on machine ${systemId}, which was still "${last.trim()}"`;
  return new Failure('timeout', text, {
    advice:
      'If it is only slow, raise deploy_timeout_seconds, StartCommand in the global setting "commands.timeout" (or "wait"), and node_timeout in MAAS',
    facts: { [blameKey]: 'slow' satisfies Blame },
  });
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

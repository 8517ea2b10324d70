import type { SizedInstance } from '../../../contract/instance.ts';
import { expectFailure, Failure, hasReason } from '../../../failure.ts';
import { withUndo } from '../../../kit/undo.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { isLeavingUnfinished, markFor, writeMarkOn } from './annotations.ts';
import { claim } from './claim.ts';
import { deploy } from './deploy.ts';
import { blameOf } from './deploy-failures.ts';
import type { Blame } from './events.ts';
import { findForChange } from './find.ts';
import type { Plan } from './order.ts';
import { powerOn } from './power.ts';
import { takeBack } from './release.ts';
import { nameOf, type Rig, rigUntil } from './session.ts';
import { settle } from './settle.ts';

/** A machine that somebody else releases this soon is one that two calls had claimed. */
const rivalryMs = 30_000;
const mostRounds = 5;

/**
 * Installs the system on the machine that was claimed, or claims one; ends when it runs. After a
 * failure the machine is given back, and remembered if it was to blame.
 */
export async function create(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<void> {
  const { deadline, log } = rig.context;
  for (let round = 1; ; round += 1) {
    const beganMs = deadline.remainingMs();
    try {
      await createOnce(rig, instance, blueprint);
      return;
    } catch (thrown) {
      const soon = beganMs - deadline.remainingMs() < rivalryMs;
      if (!hasReason(thrown, 'taken-away') || !soon || round === mostRounds) throw thrown;
      log('create.rivalry', { error: expectFailure(thrown).message });
    }
    await deadline.sleep(
      100 + Math.random() * 300,
      `waiting for another call for ${instance.name}`,
    );
  }
}

async function createOnce(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  const found = await findForChange(rig, instance);
  if (found.kind === 'built') {
    rig.context.log('create.exists', { machine: found.machine.system_id });
    return powerOn(rig, instance, found.machine);
  }
  const claims = found.kind === 'claims' ? found.claims : [];
  await withUndo(rig.context, async (undo) => {
    const kept = await settle(rig, instance, claims);
    const machine = kept ?? (await claim(rig, instance, blueprint));
    let blame: Blame | undefined;
    undo.add(`give ${nameOf(machine)} back`, (deadline) =>
      takeBack(rigUntil(rig, deadline), instance, machine, {
        why: `deployment of ${instance.name} failed`,
        ...(blame === undefined ? {} : { blame }),
      }),
    );
    try {
      await build(rig, instance, machine, blueprint);
    } catch (thrown) {
      blame = blameOf(thrown);
      throw thrown;
    }
  });
}

async function build(
  rig: Rig,
  instance: SizedInstance,
  machine: Machine,
  plan: Plan,
): Promise<void> {
  const deployed = await deploy(rig, instance, machine, plan);
  const markAs = (state: 'building' | 'built'): Promise<Machine> =>
    writeMarkOn(rig, deployed, markFor(rig, instance, deployed.system_id, state));
  if (isLeavingUnfinished(await markAs('built'))) {
    await markAs('building');
    throw beingGivenBack(instance, deployed);
  }
  rig.context.log('deploy.done', { machine: deployed.system_id, addresses: deployed.ip_addresses });
}

function beingGivenBack({ name }: SizedInstance, machine: Machine): Failure {
  return new Failure(
    'conflict',
    `Another call for ${name} has begun to give ${nameOf(machine)} back`,
    { advice: 'Try again when that call has ended' },
  );
}

import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import type { Instance } from '../../provider.ts';
import { type Blueprint, seriesOf } from './blueprint.ts';
import { notDeployed } from './deploy-failures.ts';
import { claimComment } from './memory.ts';
import { operate } from './operate.ts';
import { type Rig, readOne } from './rig.ts';
import { status } from './statuses.ts';
import { isUncertain, statusOf } from './trouble.ts';
import { userDataFor } from './user-data.ts';
import type { Machine } from './wire.ts';

/** What a deployment is to be; the rest is the machine's own. */
export type Plan = Pick<
  Blueprint,
  'os' | 'distro_series' | 'hwe_kernel' | 'ephemeral_deploy' | 'user_data' | 'vm_name'
>;

/** Asks for the deployment of a machine that is allocated; whether it was accepted is beyond doubt. */
export async function order(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  plan: Plan,
): Promise<void> {
  const what = `deploy machine ${machine.system_id}`;
  const form = orderForm(instance, plan);
  for (let tries = 1; ; tries += 1) {
    try {
      await operate(rig, instance, machine, { op: 'deploy', what, form });
      rig.context.log('deploy.ordered', { machine: machine.system_id, series: seriesOf(plan) });
      return;
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!isUncertain(failure) && statusOf(failure) !== 409) throw failure;
      // Whether it was accepted, then or by an earlier call, the machine itself knows.
      const current = await readOne(rig, machine.system_id, { patienceMs: 60_000 });
      const { status: now } = current;
      if (now === status.deploying || now === status.deployed) return;
      if (now !== status.allocated) throw await notDeployed(rig, instance, current);
      if (!isUncertain(failure) || tries === 3) throw failure;
      await rig.context.deadline.sleep(500 * tries, `waiting to ${what}`);
    }
  }
}

function orderForm(instance: Instance, plan: Plan): Pairs {
  const { hwe_kernel, ephemeral_deploy } = plan;
  return {
    comment: claimComment(instance.name),
    // A machine that was released meanwhile would be taken again, and has to be found then.
    agent_name: instance.uuid,
    distro_series: seriesOf(plan),
    hwe_kernel,
    user_data: userDataFor(instance, plan.user_data),
    ...(ephemeral_deploy ? { ephemeral_deploy: 'true' } : {}),
  };
}

import type { Instance } from '../../../contract/instance.ts';
import { statusOf } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import { claimComment } from './events.ts';
import { operate, stillOwn } from './operate.ts';
import type { Rig } from './session.ts';
import { userDataFor } from './user-data.ts';

/** What a deployment is to be; the rest is the machine's own. */
export type Plan = Pick<
  Blueprint,
  'os' | 'distro_series' | 'hwe_kernel' | 'ephemeral_deploy' | 'user_data' | 'vm_name'
>;

/** Asks for the deployment of a machine that is allocated; ends when it has begun, if it be over. */
export async function order(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  plan: Plan,
): Promise<void> {
  const { system_id } = machine;
  const what = `deploy machine ${system_id}`;
  const order = { op: 'deploy', what, form: orderForm(instance, plan) };
  try {
    await operate(rig, instance, machine, order, isBegun);
  } catch (thrown) {
    // An earlier call may have given the order.
    if (statusOf(thrown) !== 409) throw thrown;
    if (!isBegun(await stillOwn(rig, instance, system_id))) throw thrown;
  }
  rig.context.log('deploy.ordered', { machine: system_id, series: seriesOf(plan) });
}

function isBegun({ status: now }: Machine): boolean {
  return now !== status.allocated;
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

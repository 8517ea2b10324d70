import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { statusOf } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import { claimComment } from './events.ts';
import { rename } from './hostname.ts';
import { operate, stillOwn } from './operate.ts';
import type { Session } from './session.ts';
import { userDataFor } from './user-data.ts';
import { waitDeployed } from './wait-deployed.ts';

/** The system that a deployment installs; the rest is the machine's own. */
export type System = Pick<
  Blueprint,
  'os' | 'distro_series' | 'hwe_kernel' | 'ephemeral_deploy' | 'user_data' | 'vm_name'
>;

/** CloudStack's own data for the guest come with its create only. */
export type Guest = Instance & Partial<Pick<SizedInstance, 'guest'>>;

/** Installs the system on a claimed machine; ends when it runs. One under way is waited for. */
export async function deploy(
  session: Session,
  instance: Guest,
  machine: Machine,
  system: System,
): Promise<Machine> {
  if (machine.status === status.allocated) {
    await rename(session, instance, machine, system.vm_name);
    await begin(session, instance, machine, system);
  }
  return waitDeployed(session, instance, machine.system_id);
}

/** Ends when the deployment of a machine that is allocated has begun, even if it is over by then. */
async function begin(
  session: Session,
  instance: Guest,
  machine: Machine,
  system: System,
): Promise<void> {
  const { system_id } = machine;
  const what = `deploy machine ${system_id}`;
  const operation = { op: 'deploy', what, form: formFor(instance, system) };
  try {
    await operate(session, instance, machine, operation, isBegun);
  } catch (thrown) {
    // An earlier call may have begun it.
    if (statusOf(thrown) !== 409) throw thrown;
    if (!isBegun(await stillOwn(session, instance, system_id))) throw thrown;
  }
  session.log('deploy.ordered', { machine: system_id, series: seriesOf(system) });
}

function isBegun({ status: now }: Machine): boolean {
  return now !== status.allocated;
}

function formFor(instance: Guest, system: System): Pairs {
  const { hwe_kernel, ephemeral_deploy } = system;
  return {
    comment: claimComment(instance.name),
    // A machine that was released meanwhile would be taken again, and has to be found then.
    agent_name: instance.uuid,
    distro_series: seriesOf(system),
    hwe_kernel,
    user_data: userDataFor(instance, system.user_data),
    ...(ephemeral_deploy ? { ephemeral_deploy: 'true' } : {}),
  };
}

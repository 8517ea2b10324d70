import type { Instance } from '../../../contract/instance.ts';
import { expectFailure } from '../../../failure.ts';
import type { Machine } from '../api/wire.ts';
import { keepOwnName, ownNameOf } from './annotations.ts';
import type { Plan } from './order.ts';
import { machinePath, type Rig } from './session.ts';

/** The name that the instance's machine has, or will have once it is deployed. */
export function hostnameOf(
  { settings }: Pick<Rig, 'settings'>,
  { name }: Instance,
  machine: Machine,
  { vm_name }: Pick<Plan, 'vm_name'>,
): string {
  if (!settings.set_hostname) return machine.hostname;
  return vm_name ?? name.replace(/[^A-Za-z0-9-]+/g, '-').replace(/^-+|-+$/g, '');
}

/** Gives the machine the name that the operator wants it to have in MAAS; its own is kept with it. */
export async function rename(
  rig: Rig,
  instance: Instance,
  machine: Machine,
  plan: Plan,
): Promise<void> {
  const hostname = hostnameOf(rig, instance, machine, plan);
  if (hostname === machine.hostname) return;
  if (ownNameOf(machine) === undefined) await keepOwnName(rig, machine);
  await call(rig, machine, hostname, 30_000);
}

/** Gives the machine its own name back; that this fails is no reason to keep the machine. */
export async function restoreName(rig: Rig, machine: Machine): Promise<void> {
  const hostname = ownNameOf(machine);
  if (hostname === undefined || hostname === machine.hostname) return;
  try {
    await call(rig, machine, hostname, 5_000);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    rig.context.log('machine.misnamed', { level: 'warn', hostname, error: message });
  }
}

async function call(
  { client }: Rig,
  { system_id }: Machine,
  hostname: string,
  patienceMs: number,
): Promise<void> {
  const what = `call machine ${system_id} ${hostname}`;
  await client.put(machinePath(system_id), { what, form: { hostname }, patienceMs });
}

import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { take } from '../machine/find.ts';
import { operate } from '../machine/operate.ts';
import type { Rig } from '../machine/session.ts';

/** Locks or unlocks the instance's machine; what is so already succeeds. */
export async function setLock(rig: Rig, instance: Instance, locked: boolean): Promise<Outcome> {
  const machine = await take(rig, instance);
  const message = locked ? 'The machine is locked' : 'The machine is not locked';
  if (machine.locked === locked) return { message };
  const op = locked ? 'lock' : 'unlock';
  const form = { comment: `CloudStack instance ${instance.name}` };
  await operate(rig, instance, machine, { op, what: `${op} machine ${machine.system_id}`, form });
  rig.context.log(`machine.${op}ed`, { machine: machine.system_id });
  return { message };
}

import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { markFor, markOf, writeMarkOn } from './annotations.ts';
import { claimOf, find, machinesIn } from './find.ts';
import { nameOf, type Rig, readOne } from './session.ts';
import { whoAmI } from './visibility.ts';

/** Marks a machine that somebody else deployed as the instance's. */
export async function adopt(rig: Rig, remoteId: string, instance: Instance): Promise<void> {
  await whoAmI(rig);
  const machine = await readOne(rig, remoteId);
  if (markOf(machine) !== undefined) throw refuse(machine, instance, 'it carries a mark already');
  if (machine.status !== status.deployed) {
    throw refuse(machine, instance, `it is "${machine.status_name}" and not deployed`);
  }
  await refuseSecond(rig, machine, instance);
  const mark = markFor(rig, instance, machine.system_id, 'built');
  await writeMarkOn(rig, machine, { ...mark, origin: 'adopted' });
  rig.context.log('machine.adopted', { machine: machine.system_id });
}

/** The instance must have no machine; that this one is in doubt is why it is being adopted. */
async function refuseSecond(rig: Rig, machine: Machine, instance: Instance): Promise<void> {
  const found = await find(rig, instance, { thorough: true });
  if (found.kind === 'doubtful') {
    const [one, second] = found.doubtful.machines;
    if (one?.remoteId === machine.system_id && second === undefined) return;
    throw refusal(found.doubtful, claimOf(rig, instance));
  }
  const [other] = found.kind === 'leaving' ? [] : machinesIn(found);
  if (other === undefined) return;
  throw refuse(machine, instance, `the instance has ${nameOf(other)}`);
}

function refuse(machine: Machine, { name }: Instance, why: string): Failure {
  return new Failure('conflict', `${nameOf(machine)} cannot be taken over for ${name}: ${why}`);
}

import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { flagOf } from '../api/wire.ts';
import { destroy, destroyHalfMade } from './destroy.ts';
import { withMachine } from './find.ts';
import { isBuilding, type Machine } from './machine.ts';
import { release } from './ownership.ts';
import { powerOff } from './power-off.ts';
import type { Session } from './session.ts';

/** Removes the instance's machine; what was taken over is given back instead, stopped. */
export async function remove(session: Session, instance: Instance): Promise<void> {
  const there = await withMachine(session, instance, (machine) => removeMachine(session, machine));
  if (!there) session.context.log('delete.missing');
}

async function removeMachine(session: Session, machine: Machine): Promise<void> {
  if (machine.mark.origin === 'adopted' && !session.settings.delete_adopted) {
    await powerOff(session, machine, 'hard');
    await release(session, machine);
    session.context.log('delete.released', { machine: machine.vmid });
    return;
  }
  if (isBuilding(machine) && (await destroyHalfMade(session, machine, machine.config))) return;
  if (flagOf(machine.config['protection'])) throw isProtected(machine);
  await destroy(session, machine);
}

function isProtected({ vmid, mark }: Machine): Failure {
  return new Failure('conflict', `Machine ${vmid} of ${mark.name} is protected against removal`, {
    advice: 'Take the protection off if it may go',
    tenant: 'The machine of this instance is protected against removal; ask your administrator',
  });
}

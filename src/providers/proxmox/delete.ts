import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { destroy, destroyHalfMade } from './destroy.ts';
import { withMachine } from './find.ts';
import { isBuilding, type Machine } from './machine.ts';
import { release } from './ownership.ts';
import { powerOff } from './power-off.ts';
import type { Rig } from './rig.ts';
import { flagOf } from './wire.ts';

/** Removes the instance's machine; what was taken over is given back instead, stopped. */
export async function remove(rig: Rig, instance: Instance): Promise<void> {
  const there = await withMachine(rig, instance, (machine) => removeMachine(rig, machine));
  if (!there) rig.context.log('delete.missing');
}

async function removeMachine(rig: Rig, machine: Machine): Promise<void> {
  if (machine.mark.origin === 'adopted' && !rig.settings.delete_adopted) {
    await powerOff(rig, machine, 'hard');
    await release(rig, machine);
    rig.context.log('delete.released', { machine: machine.vmid });
    return;
  }
  if (isBuilding(machine) && (await destroyHalfMade(rig, machine, machine.config))) return;
  if (flagOf(machine.config['protection'])) throw isProtected(machine);
  await destroy(rig, machine);
}

function isProtected({ vmid, mark }: Machine): Failure {
  return new Failure('conflict', `Machine ${vmid} of ${mark.name} is protected against removal`, {
    advice: 'Take the protection off if it may go',
    tenant: 'The machine of this instance is protected against removal; ask your administrator',
  });
}

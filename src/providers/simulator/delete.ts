import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { takeIfThere } from './find.ts';
import { isRunning, type Machine, markOf, withMark } from './machine.ts';
import { alone, powerOff } from './power.ts';
import type { Rig } from './script.ts';

/** Removes the instance's machine; what was taken over is given back instead, stopped. */
export function remove(rig: Rig, instance: Instance): Promise<void> {
  return alone(rig, instance, async () => {
    const machine = takeIfThere(rig, instance);
    if (machine === undefined) {
      rig.context.log('delete.missing');
      return;
    }
    if (isAdopted(machine) && !rig.settings.delete_adopted) {
      const stopped = isRunning(machine) ? await powerOff(rig, machine, 'hard') : machine;
      rig.store.write(withMark(stopped, undefined));
      rig.context.log('delete.released', { machine: machine.remoteId });
      return;
    }
    if (machine.protected) throw isProtected(machine);
    await rig.task(`removing machine ${machine.remoteId}`);
    rig.store.remove(machine.remoteId);
  });
}

function isAdopted(machine: Machine): boolean {
  const mark = markOf(machine);
  return typeof mark === 'object' && mark.origin === 'adopted';
}

function isProtected({ remoteId, name }: Machine): Failure {
  return new Failure('conflict', `Machine ${remoteId} of ${name} is protected against removal`, {
    advice: 'Take the protection off if it may go',
    tenant: 'The machine of this instance is protected against removal; ask your administrator',
  });
}

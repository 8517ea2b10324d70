import type { StopManner } from '../../contract/driver.ts';
import type { Instance } from '../../contract/instance.ts';
import { destroyHalfMade } from './destroy.ts';
import { withMachine } from './find.ts';
import { isBuilding } from './machine.ts';
import { powerOff } from './power-off.ts';
import type { Rig } from './rig.ts';

/** Half-made machines are removed, since nothing else ever would; saved memory is left alone. */
export async function stop(rig: Rig, instance: Instance, manner: StopManner): Promise<void> {
  const there = await withMachine(rig, instance, async (machine) => {
    if (isBuilding(machine)) {
      rig.context.log('stop.half-made', { machine: machine.vmid });
      if (await destroyHalfMade(rig, machine, machine.config)) return;
    }
    await powerOff(rig, machine, manner);
  });
  if (!there) rig.context.log('stop.missing');
}

import type { StopManner } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { destroyHalfMade } from './destroy.ts';
import { withMachine } from './find.ts';
import { isBuilding } from './machine.ts';
import { powerOff } from './power-off.ts';
import type { Session } from './session.ts';

/** Half-made machines are removed, since nothing else ever would; saved memory is left alone. */
export async function stop(
  session: Session,
  instance: Instance,
  manner: StopManner,
): Promise<void> {
  const there = await withMachine(session, instance, async (machine) => {
    if (isBuilding(machine)) {
      session.context.log('stop.half-made', { machine: machine.vmid });
      if (await destroyHalfMade(session, machine, machine.config)) return;
    }
    await powerOff(session, machine, manner);
  });
  if (!there) session.context.log('stop.missing');
}

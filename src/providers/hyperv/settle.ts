import { Failure } from '../../failure.ts';
import type { Rig } from './rig.ts';
import { steps } from './steps.ts';
import { isFromPowerShell } from './trouble.ts';
import type { Details } from './wire.ts';

/**
 * Does something to a machine and looks at the machine when Hyper-V complains: what is there
 * decides whether it was done.
 */
export async function settle(
  { host, context }: Rig,
  id: string,
  act: () => Promise<unknown>,
  reached: (details: Details) => boolean,
): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    if (!reached(await host.ask(steps.machine, { id }))) throw thrown;
    context.log('hyperv.done-after-all', { error: Failure.from(thrown).message, level: 'warn' });
  }
}

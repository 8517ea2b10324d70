import { expectFailure } from '../../../failure.ts';
import { isFromPowerShell, isLost } from '../api/trouble.ts';
import type { Details } from '../api/wire.ts';
import { type HostMachine, readDetails } from './list.ts';
import type { Session } from './session.ts';

/**
 * Changes a machine and looks at the machine when Hyper-V complains or its answer gets
 * lost: what is there decides whether it was done. After a lost answer `again` does the rest.
 */
export async function settle(
  session: Session,
  machine: HostMachine,
  act: () => Promise<unknown>,
  reached: (details: Details) => boolean,
  again?: (details: Details) => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const lost = isLost(thrown);
    if (!lost && !isFromPowerShell(thrown)) throw thrown;
    const details = await readDetails(session, machine).catch((unread: unknown) => {
      expectFailure(unread);
      throw thrown;
    });
    if (!reached(details)) {
      if (!lost || again === undefined) throw thrown;
      return again(details);
    }
    session.context.log('hyperv.done-after-all', {
      error: expectFailure(thrown).message,
      level: 'warn',
    });
  }
}

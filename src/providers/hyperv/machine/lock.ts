import type { Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { poll } from '../../../kit/poll.ts';
import * as changing from '../api/commands/changing.ts';
import { ask, type Session, withDeadline } from './session.ts';

/**
 * Runs the work while no other process changes the same instance: the host itself keeps them apart,
 * and lets the next one in when a process dies. The same holds for a PowerShell of this
 * process, which has to be gone before its replacement goes on with the work.
 */
export async function exclusively<T>(
  session: Session,
  { uuid, name }: Instance,
  work: () => Promise<T>,
): Promise<T> {
  const take = async (deadline: Deadline, once = false): Promise<void> => {
    const look = async (): Promise<true | undefined> => {
      const forMs = Math.min(5000, Math.max(0, Math.floor(deadline.remainingMs()) - 500));
      const { got } = await ask(
        withDeadline(session, deadline),
        changing.lock,
        { uuid, forMs },
        { once },
      );
      return got || undefined;
    };
    await poll(deadline, `waiting for another action on ${name}`, look, {
      firstMs: 20,
      mostMs: 20,
    });
  };
  await take(session.deadline);
  // The lock is part of asking again: asked again itself, it would start one process after the other.
  session.host().onRestart((deadline) => take(deadline, true));
  return work();
}

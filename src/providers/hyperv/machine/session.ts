import type { Context, Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { type Host, openHost } from '../api/client.ts';
import { steps } from '../api/commands.ts';
import type { Settings } from '../settings.ts';

/** What one action works with. */
export interface Rig {
  readonly settings: Settings;
  readonly context: Context;
  readonly host: Host;
}

/** An id that no machine has. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/** Runs one action on the host and leaves nothing running there. */
export async function perform<T>(
  settings: Settings,
  context: Context,
  work: (rig: Rig) => Promise<T>,
): Promise<T> {
  const host = openHost(settings, context);
  try {
    return await work({ settings, context, host });
  } finally {
    await host.close();
  }
}

/** The same with another deadline, such as the margin for undo. */
export function within(rig: Rig, deadline: Deadline): Rig {
  return {
    ...rig,
    context: { ...rig.context, deadline },
    host: {
      ...rig.host,
      ask: (step, given, options) => rig.host.ask(step, given, { deadline, ...options }),
    },
  };
}

/**
 * Runs the work while no other process changes the same instance: the host itself keeps them apart,
 * and lets the next one in when a process dies. That goes for a process of our own, too, which has to
 * be gone before another goes on with its work.
 */
export async function alone<T>(
  { host, context }: Rig,
  { uuid, name }: Instance,
  work: () => Promise<T>,
): Promise<T> {
  const take = async (deadline: Deadline, once = false): Promise<void> => {
    const look = async (): Promise<true | undefined> => {
      const forMs = Math.min(5000, Math.max(0, Math.floor(deadline.remainingMs()) - 500));
      return (await host.ask(steps.lock, { uuid, forMs }, { deadline, once })).got || undefined;
    };
    await poll(deadline, `waiting for another action on ${name}`, look, {
      firstMs: 20,
      mostMs: 20,
    });
  };
  await take(context.deadline);
  // That belongs to asking again: asked again itself, it would start one process after the other.
  host.goOnWith((deadline) => take(deadline, true));
  return work();
}

/** About the tenant's own instance and limits only, so that anyone may read it. */
export function refused(
  kind: 'conflict' | 'denied' | 'not-found' | 'usage' | 'unsupported',
  sentence: string,
): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { type AskOptions, type Host, openHost } from '../api/client.ts';
import type { Command } from '../api/command.ts';
import type { Settings } from '../settings.ts';

/** The values that one primitive works with. */
export interface Session {
  readonly settings: Settings;
  readonly context: Context;
  /** Ends the primitive's own waiting, which may be that of an undo. */
  readonly deadline: Deadline;
  /** The host's one PowerShell, opened when it is first asked. */
  host(): Host;
}

/** An id that no machine has. */
export const noId = '00000000-0000-0000-0000-000000000000';

/** A session for one call, and what ends everything that it has opened on the host. */
export function openSession(
  settings: Settings,
  context: Context,
): { readonly session: Session; close(): Promise<void> } {
  let opened: Host | undefined;
  const host = (): Host => {
    opened ??= openHost(settings, context);
    return opened;
  };
  return {
    session: { settings, context, deadline: context.deadline, host },
    close: async () => opened?.close(),
  };
}

/** The same session for work that another deadline ends, such as the margin for undo. */
export function withDeadline(session: Session, deadline: Deadline): Session {
  return { ...session, deadline };
}

/** Gives the host a command and answers what its script returned, before the session's deadline. */
export function ask<Given, Value>(
  { host, deadline }: Session,
  command: Command<Given, Value>,
  given: NoInfer<Given>,
  options: AskOptions = {},
): Promise<Value> {
  return host().ask(command, given, { deadline, ...options });
}

/** About the tenant's own instance and limits only, so that any caller may read it. */
export function refused(
  kind: 'conflict' | 'denied' | 'not-found' | 'usage' | 'unsupported',
  sentence: string,
): Failure {
  return new Failure(kind, sentence, { tenant: sentence });
}

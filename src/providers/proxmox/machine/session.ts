import type { Context, Deadline } from '../../../contract/context.ts';
import { type Api, createApi } from '../api/client.ts';
import type { Settings } from '../settings.ts';

/** What one action works with. */
export interface Session {
  readonly settings: Settings;
  readonly context: Context;
  readonly api: Api;
  /** The tasks that this action has begun. */
  readonly tasks: Set<string>;
}

export function openSession(settings: Settings, context: Context): Session {
  return { settings, context, api: createApi(settings, context), tasks: new Set() };
}

/** The same under another deadline: the margin in which things are undone. */
export function under(session: Session, deadline: Deadline): Session {
  return { ...session, api: session.api.under(deadline) };
}

import type { Context, Deadline } from '../../../contract/context.ts';
import { createApi } from '../api/client.ts';
import type { TaskSession } from '../machine/session.ts';
import type { NetworkSettings } from './settings.ts';

/** The values that the primitives of one call share. */
export interface NetworkSession extends TaskSession {
  readonly settings: NetworkSettings;
  at(deadline: Deadline): NetworkSession;
}

export function openSession(settings: NetworkSettings, context: Context): NetworkSession {
  const api = createApi(settings, context);
  const tasks = new Set<string>();
  const at = (deadline: Deadline): NetworkSession => ({
    ...{ settings, tasks, at, context: { ...context, deadline } },
    api: api.under(deadline),
  });
  return at(context.deadline);
}

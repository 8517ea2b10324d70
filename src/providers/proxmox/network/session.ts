import type { Context, Deadline } from '../../../contract/context.ts';
import { type Api, createApi } from '../api/client.ts';
import type { NetworkSettings } from './settings.ts';

/** The values that the primitives of one call share. */
export interface NetworkSession {
  readonly settings: NetworkSettings;
  readonly context: Context;
  readonly api: Api;
  /** The same session under another deadline. */
  at(deadline: Deadline): NetworkSession;
}

export function openSession(settings: NetworkSettings, context: Context): NetworkSession {
  const api = createApi(settings, context);
  const at = (deadline: Deadline): NetworkSession => ({
    ...{ settings, at, context: { ...context, deadline } },
    api: api.under(deadline),
  });
  return at(context.deadline);
}

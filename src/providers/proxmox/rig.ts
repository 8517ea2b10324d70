import type { Context, Deadline } from '../../contract/context.ts';
import { type Api, createApi } from './client.ts';
import type { Settings } from './settings.ts';

/** What one action works with. */
export interface Rig {
  readonly settings: Settings;
  readonly context: Context;
  readonly api: Api;
  /** The tasks that this action has begun. */
  readonly tasks: Set<string>;
}

export function createRig(settings: Settings, context: Context): Rig {
  return { settings, context, api: createApi(settings, context), tasks: new Set() };
}

/** The same under another deadline: the margin in which things are undone. */
export function under(rig: Rig, deadline: Deadline): Rig {
  return { ...rig, api: rig.api.under(deadline) };
}

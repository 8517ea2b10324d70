import type { Context } from '../../../contract/context.ts';
import type { Client } from '../api/client.ts';
import type { Settings } from '../settings.ts';

/** The tools of the primitives in one call. */
export interface Session {
  readonly client: Client;
  readonly settings: Settings;
  readonly context: Context;
}

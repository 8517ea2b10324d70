import type { Context } from '../../../contract/context.ts';
import type { Machine } from '../../../contract/machine.ts';
import type { Client } from '../api/client.ts';
import type { Capability, Description } from '../protocol/description.ts';
import type { Said } from '../protocol/machine.ts';
import type { SeenNote } from './seen-note.ts';

/** A machine as the rules of ownership look at it, with the driver's own words beside. */
export interface Seen extends Machine {
  readonly said: Said;
}

/** The tools of the primitives in one call. */
export interface Session {
  /** The name of the driver's file, for failures. */
  readonly driver: string;
  readonly client: Client;
  readonly context: Context;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly marks: Description['marks'];
  readonly ids: Description['ids'];
  readonly fixedHardware: boolean;
  readonly has: (capability: Capability) => boolean;
  readonly note: SeenNote;
}

import type { Context } from '../../../contract/context.ts';
import type { NetworkDriver } from '../../../contract/network.ts';
import { openSession, type Script } from '../machine/session.ts';
import { guestStore } from './guests.ts';
import { networks } from './networks.ts';

/** The simulated system's networks and guests' data for one call. */
export async function connect(script: Script, context: Context): Promise<NetworkDriver> {
  const session = await openSession(script, context);
  return { networks: networks(session), guests: guestStore(session) };
}

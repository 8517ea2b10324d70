import type { Step } from '../../../contract/context.ts';
import { poll } from '../../../kit/poll.ts';
import { getMachine } from './read.ts';
import { onMachine } from './request.ts';
import type { Seen, Session } from './session.ts';

/** Ends when the driver, asked for this very machine, says that there certainly is none. */
export async function destroy(
  session: Session,
  machine: Seen,
  { instance, deadline }: Step,
): Promise<void> {
  const { client, driver } = session;
  const { remoteId } = machine;
  const what = `remove machine ${remoteId}`;
  await client.ask('destroy', onMachine(machine, instance), { what, deadline });
  const shown = `show that machine ${remoteId} is gone`;
  await poll(deadline, `driver ${driver} was to ${shown}`, async () =>
    (await getMachine(session, remoteId, deadline, shown)) === undefined ? true : undefined,
  );
}

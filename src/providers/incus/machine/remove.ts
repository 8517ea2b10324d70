import type { Deadline } from '../../../contract/context.ts';
import { isKind } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, isGone } from '../api/client.ts';
import type { Machine } from '../api/wire.ts';
import { order, readInstance, replace } from './instances.ts';
import type { Session } from './session.ts';
import { listVolumes, removeVolume, slotsOf } from './volumes.ts';

/**
 * Removes an instance with its data disks, the detached ones too. The disks go first: without the
 * instance no later call would find them.
 */
export async function destroy(
  session: Session,
  machine: Machine,
  uuid: string,
  deadline: Deadline,
): Promise<void> {
  const { client } = session;
  const volumes = await listVolumes(session, uuid, deadline);
  if (volumes.length > 0) {
    await untilStopped(client, machine.remoteId, deadline);
    const without = (now: Machine) => {
      const gone = volumes.flatMap((volume) => slotsOf(now, volume));
      const others = Object.entries(now.incus.devices).filter(([slot]) => !gone.includes(slot));
      return { config: {}, devices: Object.fromEntries(others) };
    };
    await replace(client, machine, without, deadline);
    for (const volume of volumes) await removeVolume(session, volume, deadline);
  }
  await removeInstance(client, machine.remoteId, deadline);
}

/** Removes the instance alone, running or not; succeeds for one that is gone already. */
export async function removeInstance(
  client: Client,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const remove = { what: `remove ${name}`, deadline };
  await untilDone(client, name, deadline, () =>
    client.send('DELETE', path`/1.0/instances/${name}`, remove),
  );
}

function untilStopped(client: Client, name: string, deadline: Deadline): Promise<void> {
  return untilDone(client, name, deadline, async () => {});
}

/** Stops the instance and does the rest, as often as another task comes in between. */
async function untilDone(
  client: Client,
  name: string,
  deadline: Deadline,
  rest: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const now = await readInstance(client, name, deadline);
    if (now === undefined) return;
    try {
      if (now.machine.incus.status !== 'Stopped') await order(client, name, 'stop', { deadline });
      await rest();
      return;
    } catch (thrown) {
      if (isGone(thrown)) return;
      if (!isKind(thrown, 'conflict')) throw thrown;
    }
    await deadline.sleep(200, `waiting for another task on ${name}`);
  }
}

import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import type { SnapshotDriver } from '../../../contract/snapshot.ts';
import { path } from '../../../kit/http/address.ts';
import { isGone, read } from '../api/client.ts';
import { type Config, type Machine, snapshotSchema, stateOf } from '../api/wire.ts';
import { replace } from '../machine/instances.ts';
import { change } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import { untilIdle } from '../machine/tasks.ts';

/** Snapshots of the disk; Incus saves memory only for guests that can migrate, so that none is saved. */
export function snapshots(session: Session): SnapshotDriver<Machine> {
  const { client } = session;
  return {
    // A restore that broke off may have left half of either disk.
    bootsAfterFailure: false,
    async list({ remoteId }, { deadline }) {
      const ask = { what: `list the snapshots of ${remoteId}`, deadline, query: { recursion: 1 } };
      const at = path`/1.0/instances/${remoteId}/snapshots`;
      const all = read(v.array(snapshotSchema()), (await client.send('GET', at, ask)).metadata);
      return all.map(({ name, created_at: created, stateful: memory }) => ({
        ...{ name, created: new Date(created), memory },
      }));
    },
    async take({ remoteId }, { name }, { undo, deadline }) {
      undo.add(`remove snapshot ${name} of ${remoteId}`, async (margin) => {
        // Incus goes on with what it was told after we have given up.
        await untilIdle(client, [remoteId], margin);
        await removeSnapshot(session, remoteId, name, margin);
      });
      const ask = { what: `save snapshot ${name} of ${remoteId}`, deadline };
      const json = { name, stateful: false };
      await client.send('POST', path`/1.0/instances/${remoteId}/snapshots`, { ...ask, json });
    },
    remove: ({ remoteId }, { name }, { deadline }) =>
      removeSnapshot(session, remoteId, name, deadline),
    // Stopped first: Incus would start it again with that day's network.
    async restore(machine, { name }, { deadline }) {
      const { remoteId } = machine;
      if (stateOf(machine) !== 'off') await change(session, machine, 'stop', deadline);
      const ask = { what: `restore snapshot ${name} of ${remoteId}`, deadline };
      const json = { restore: name, stateful: false };
      await client.send('PUT', path`/1.0/instances/${remoteId}`, { ...ask, json });
    },
    async keepToday(machine, { deadline }) {
      const { config, devices } = machine.incus;
      const today = (now: Machine) => {
        const brought = Object.keys(now.incus.config).map((key) => [key, '']);
        return { devices, config: { ...lasting(Object.fromEntries(brought)), ...lasting(config) } };
      };
      await replace(client, machine, today, deadline);
    },
    async switchOn(machine, { deadline }) {
      await change(session, machine, 'start', deadline);
    },
  };
}

/** Succeeds for one that is gone already. */
async function removeSnapshot(
  { client }: Session,
  remoteId: string,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `remove snapshot ${name} of ${remoteId}`, deadline };
  const at = path`/1.0/instances/${remoteId}/snapshots/${name}`;
  await client.send('DELETE', at, ask).catch((thrown: unknown) => {
    if (!isGone(thrown)) throw thrown;
  });
}

/** Volatile keys are the server's own and belong to the disk that is there. */
function lasting(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith('volatile.')));
}

import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline, Undo } from '../../../contract/context.ts';
import { path } from '../../../kit/http/address.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { read } from '../api/client.ts';
import { bytesOf, guestSchema, type Machine, stateOf } from '../api/wire.ts';
import { reread } from '../machine/instances.ts';
import { change } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import { untilIdle } from '../machine/tasks.ts';
import type { Blueprint } from '../settings.ts';
import type { actions } from './definitions.ts';

export function handlers(session: Session): Handlers<Machine, Blueprint, typeof actions> {
  return {
    GetIpAddresses: ({ machine, deadline }) => addressesOf(session, machine, deadline),
    async Reset({ machine, deadline }) {
      await change(session, machine, 'restart', deadline);
      return { message: 'The instance was reset' };
    },
    async Suspend({ machine, undo, deadline }) {
      if (stateOf(machine) !== 'paused') await suspend(session, machine, undo, deadline);
      return suspended;
    },
    async Resume({ machine, deadline }) {
      if (stateOf(machine) === 'paused') await change(session, machine, 'unfreeze', deadline);
      return { message: 'Instance resumed' };
    },
    Reinstall: async (call) => (await import('./reinstall.ts')).reinstall(session, call),
    Migrate: async (call) => (await import('./migrate.ts')).migrate(session, call),
    GetDetails: async ({ machine }) => detailsOf(machine),
  };
}

/** Incus goes on with what it was told after we have given up: then it is told to take it back. */
async function suspend(
  session: Session,
  machine: Machine,
  undo: Undo,
  deadline: Deadline,
): Promise<void> {
  const { client } = session;
  const { remoteId } = machine;
  undo.add(`let ${remoteId} go on`, async (margin) => {
    await untilIdle(client, [remoteId], margin);
    const now = await reread(client, remoteId, margin);
    if (stateOf(now) === 'paused') await change(session, now, 'unfreeze', margin);
  });
  await change(session, machine, 'freeze', deadline);
}

/** A guest that is off, or has no agent, shows none. */
async function addressesOf(
  { client }: Session,
  { remoteId }: Machine,
  deadline: Deadline,
): Promise<Outcome> {
  const ask = { what: `read the addresses of ${remoteId}`, deadline };
  const { metadata } = await client.send('GET', path`/1.0/instances/${remoteId}/state`, ask);
  const rows = Object.entries(read(guestSchema(), metadata).network ?? {})
    .filter(([name]) => name !== 'lo')
    .flatMap(([nic, { hwaddr: mac, addresses }]) =>
      addresses
        .filter(({ scope }) => scope === 'global')
        .map(({ address }) => ({ NIC: nic, 'MAC address': mac, 'IP address': address })),
    );
  const message = rows.length === 0 ? 'No addresses are known.' : `Addresses: ${rows.length}`;
  return { message, rows };
}

function detailsOf({ remoteId, incus }: Machine): Outcome {
  const { type, status, location, architecture, created_at, profiles, config } = incus;
  const image = [config['image.os'], config['image.release'], config['image.description']];
  const memory = bytesOf(config['limits.memory']);
  return {
    message: `Instance ${remoteId}`,
    facts: {
      ...{ Name: remoteId, Type: type, Status: status, Member: location },
      ...{ Architecture: architecture, Created: new Date(created_at), Profiles: profiles ?? [] },
      Image: image.filter((part): part is string => part !== undefined),
      CPUs: config['limits.cpu'] ?? '',
      Memory: memory === undefined ? null : { bytes: memory },
    },
  };
}

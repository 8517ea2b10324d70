import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline, Undo } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { read } from '../api/client.ts';
import { guestSchema, type Machine, stateOf } from '../api/wire.ts';
import { replace, reread } from '../machine/instances.ts';
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
      return { message: 'The instance goes on' };
    },
    ResizeDisk: ({ machine, parameters: { size_gb }, deadline }) =>
      resizeDisk(session, machine, size_gb, deadline),
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
    await untilIdle(client, remoteId, margin);
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

/** Only larger: a file system that is cut off is lost. */
async function resizeDisk(
  { client, settings }: Session,
  machine: Machine,
  sizeGb: number,
  deadline: Deadline,
): Promise<Outcome> {
  const { devices, expanded_devices: all } = machine.incus;
  const found = Object.entries(all).find(([, { type, path: at }]) => type === 'disk' && at === '/');
  if (found === undefined) throw new Failure('upstream', `${machine.remoteId} has no root disk`);
  const [name, root] = found;
  const { max_disk_gb: most } = settings;
  const today = bytesOf(root['size']);
  if (most !== undefined && sizeGb > most) {
    throw refused(`A disk may have ${most} GiB at most`);
  }
  if (today !== undefined && sizeGb * 2 ** 30 < today) {
    throw refused('A disk can only be made larger');
  }
  const larger = { ...devices, [name]: { ...root, size: `${sizeGb}GiB` } };
  await replace(client, machine, { config: {}, devices: larger }, deadline);
  return { message: `The disk has ${sizeGb} GiB` };
}

const units: Readonly<Record<string, number>> = {
  ...{ '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** A size as Incus writes it, such as 10GiB. */
function bytesOf(size: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([A-Za-z]*)$/.exec(size ?? '') ?? [];
  const factor = units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function refused(sentence: string): Failure {
  return new Failure('usage', sentence, { tenant: sentence });
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

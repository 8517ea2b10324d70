import { expectFailure, isOutage, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { type Json, listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import type { NetworkSession } from './session.ts';

/** As many as there are connections. */
const atOnce = 4;
/** More names help neither a rule nor a reader. */
const enough = 20;

interface Guest {
  /** `qemu/101` or `lxc/102`. */
  readonly id: string;
  readonly node: string;
}

/**
 * Every machine, container, template and snapshot that names the vnet. The cluster deletes a vnet no matter
 * which of them do, so that one that cannot be read counts as one that names it.
 */
export async function usersOf(session: NetworkSession, vnet: string): Promise<readonly string[]> {
  if (!(await seesAll(session))) {
    return ['machines that the API token may not see (VM.Audit on /vms is missing)'];
  }
  const users: string[] = [];
  await mapLimit(await guests(session), atOnce, async (guest) => {
    if (users.length < enough) users.push(...(await usesIn(session, guest, vnet)));
  });
  return users;
}

async function guests({ api }: NetworkSession): Promise<readonly Guest[]> {
  const ask = { what: 'list the machines', query: { type: 'vm' } };
  return listOf(await api.get('/cluster/resources', ask)).flatMap((entry) => {
    const row = recordOf(entry);
    const [id, node] = [textOf(row['id']), textOf(row['node'])];
    return id === undefined || node === undefined ? [] : [{ id, node }];
  });
}

async function usesIn(
  session: NetworkSession,
  { id, node }: Guest,
  vnet: string,
): Promise<readonly string[]> {
  const [kind = '', vmid = ''] = id.split('/');
  const place = path`/nodes/${node}/${kind}/${vmid}`;
  const name = kind === 'lxc' ? `container ${vmid}` : `machine ${vmid}`;
  const ask = { what: `read the NICs of ${name}` };
  try {
    // The values in force and those that wait for the next start.
    const rows = listOf(await session.api.get(`${place}/pending`, ask)).map(recordOf);
    const nics = rows
      .filter((row) => names(row, vnet))
      .map((row) => `${textOf(row['key'])} of ${name}`);
    return [...nics, ...(await usesInSnapshots(session, place, name, vnet))];
  } catch (thrown) {
    expectFailure(thrown);
    if (isOutage(thrown) || session.api.deadline.remainingMs() === 0) throw thrown;
    if (isGone(thrown, vmid)) return [];
    return [`perhaps ${name} on ${node}, which could not be read`];
  }
}

/** It was removed, or has moved to another node, where a new reading may find it. */
function isGone(thrown: unknown, vmid: string): boolean {
  return new RegExp(`^Configuration file '.*/${vmid}\\.conf' does not exist$`).test(
    remoteMessage(thrown),
  );
}

async function usesInSnapshots(
  { api }: NetworkSession,
  place: string,
  name: string,
  vnet: string,
): Promise<readonly string[]> {
  const ask = { what: `read the snapshots of ${name}` };
  const rows = listOf(await api.get(`${place}/snapshot`, ask)).map(recordOf);
  const snapshots = rows.flatMap((row) => textOf(row['name']) ?? []);
  const found: string[] = [];
  for (const snapshot of snapshots.filter((each) => each !== 'current')) {
    const config = recordOf(await api.get(`${place}${path`/snapshot/${snapshot}/config`}`, ask));
    const isThere = Object.entries(config).some(([key, value]) => names({ key, value }, vnet));
    if (isThere) found.push(`snapshot ${snapshot} of ${name}`);
  }
  return found;
}

function names(row: Json, vnet: string): boolean {
  if (!/^net\d+$/.test(textOf(row['key']) ?? '')) return false;
  return [row['value'], row['pending']].some((value) =>
    (textOf(value) ?? '').split(',').includes(`bridge=${vnet}`),
  );
}

/** A list leaves machines out without a word where the right is missing. */
async function seesAll({ api }: NetworkSession): Promise<boolean> {
  const ask = { what: 'read the rights of the API token', query: { path: '/vms' } };
  const rights = recordOf(await api.get('/access/permissions', ask));
  return numberOf(recordOf(rights['/vms'])['VM.Audit']) === 1;
}

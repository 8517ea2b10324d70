import type { Machine as Candidate } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isAbsentHere } from '../api/remote-error.ts';
import {
  type Config,
  configOf,
  flagOf,
  listOf,
  numberOf,
  type Row,
  recordOf,
  rowOf,
} from '../api/wire.ts';
import { type Index, readIndex } from './index-tag.ts';
import type { Session } from './session.ts';

/** A machine with what is known of it: by its configuration, or only by its tags. */
export interface Seen extends Candidate {
  readonly row: Row;
  readonly index: Index | undefined;
  /** Absent where only the tags were read. */
  readonly config?: Config;
}

/** Every machine that the token sees, wherever in the cluster it is. */
export async function listMachines(session: Session): Promise<readonly Row[]> {
  const query = { type: 'vm' };
  const data = await session.api.get('/cluster/resources', { what: 'list the machines', query });
  return rowsOf(data);
}

/**
 * Every machine that there may be of ours. Rights that are lost meanwhile show in a proof after the
 * list, not in one before.
 */
export async function listAll(session: Session): Promise<readonly Row[]> {
  const rows = await listMachines(session);
  await proveSight(session);
  return rows;
}

export function rowsOf(data: unknown): readonly Row[] {
  return listOf(data).flatMap((entry) => rowOf(entry) ?? []);
}

/** A node that hangs must not use up the time that all the others have. */
export const nodeLimitMs = 3000;

export interface Reading {
  readonly limitMs?: number;
  /** What the machine runs with, where that differs from what its next start will find. */
  readonly current?: boolean;
}

export async function readConfig(
  session: Session,
  { node, vmid }: Pick<Row, 'node' | 'vmid'>,
  { limitMs, current = false }: Reading = {},
): Promise<Config> {
  const ask = {
    what: `read the configuration of machine ${vmid} on ${node}`,
    ...(current ? { query: { current: 1 } } : {}),
    ...(limitMs === undefined ? {} : { limitMs }),
  };
  return configOf(await session.api.get(path`/nodes/${node}/qemu/${vmid}/config`, ask));
}

/** The configuration, or `undefined` for a machine that is not, or no longer, on that node. */
export async function configIfThere(
  session: Session,
  place: Pick<Row, 'node' | 'vmid'>,
  reading: Reading = {},
): Promise<Config | undefined> {
  try {
    return await readConfig(session, place, reading);
  } catch (thrown) {
    if (isAbsentHere(thrown, place.vmid)) return undefined;
    throw thrown;
  }
}

/** As its configuration shows it. */
export function seenByConfig(row: Row, config: Config): Seen {
  return {
    row,
    config,
    index: readIndex(config['tags']),
    remoteId: String(row.vmid),
    // Without a name of its own a machine is listed as "VM 121".
    name: config['name'] ?? row.name ?? `VM ${row.vmid}`,
    mark: readMark(config['description'] ?? ''),
    template: flagOf(config['template']),
  };
}

/** The index in a machine's tags, but for one that a copy has taken along: that proves nothing. */
export function indexOf({ tags, vmid }: Row): Index | undefined {
  const index = readIndex(tags);
  return index?.vmid === String(vmid) ? index : undefined;
}

/** As its tags show it, for reading only. */
export function seenByIndex(row: Row, index: Index): Seen {
  const { vmid: remoteId, uuid, name, installation } = index;
  return {
    row,
    index,
    remoteId: String(row.vmid),
    name: row.name,
    mark: { uuid, name, installation, remoteId, state: 'built', origin: 'created' },
    template: row.template,
  };
}

export function isInstanceName(name: string | undefined): boolean {
  return name !== undefined && /^i-\d+-\d+-/i.test(name);
}

/** Its configuration cannot be read, so that it may be anybody's, whatever an operator called it. */
export function unseen(row: Row): Seen {
  return {
    row,
    index: undefined,
    remoteId: String(row.vmid),
    name: isInstanceName(row.name) ? row.name : undefined,
    mark: 'unreadable',
    template: row.template,
  };
}

/**
 * Fails unless the token's rights let it see every machine it may have made: without them a list is
 * shorter and nobody says so.
 */
export async function proveSight(session: Session): Promise<void> {
  const rights = recordOf(
    await session.api.get('/access/permissions', { what: 'read the rights of the API token' }),
  );
  const { pool } = session.settings;
  const audit = (place: string): number | undefined =>
    numberOf(recordOf(rights[place])['VM.Audit']);
  // A right on /vms that reaches no further down shows no machine; one on / may be taken back there.
  if (audit('/vms') === 1) return;
  const place = pool === undefined ? '/vms' : `/pool/${pool}`;
  if (pool !== undefined && audit(place) !== undefined) return;
  throw new Failure('denied', `The API token ${session.api.token()} does not see all machines`, {
    advice: `It needs VM.Audit on ${place}${pool === undefined ? ' and all that is below, or set pool to the one that it has rights on' : ''}. Until then no machine counts as off or gone`,
  });
}

import type { Deadline, Log } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import type { Client } from '../api/client.ts';
import { type Machine, type Me, readMachine, readMachines } from '../api/wire.ts';
import type { Settings } from '../settings.ts';

/** The values that one primitive works with; `deadline` is the one that it was called with. */
export interface Session {
  readonly settings: Settings;
  readonly client: Client;
  readonly log: Log;
  readonly installation: string;
  readonly deadline: Deadline;
  /** For the file of machines that reports have seen. */
  stateDirectory(name: string): string;
  /** The user of the key, which MAAS is asked for once in a call. */
  readonly known: { me?: Me };
}

/** How long MAAS may spend on an action that it began before ours: minutes, with slow BMCs. */
export const longBusyMs = 300_000;

/** A region that is being restarted is back within this time. */
export const restartMs = 60_000;

/** How long a busy MAAS is asked again. */
export interface BusyTimeout {
  readonly busyTimeoutMs?: number;
}

export function machinePath(systemId: string): string {
  return path`/machines/${systemId}/`;
}

/** How texts for the operator name a machine. */
export function nameOf({ system_id, hostname }: Pick<Machine, 'system_id' | 'hostname'>): string {
  return hostname === '' ? `machine ${system_id}` : `machine ${system_id} (${hostname})`;
}

export async function listMachines(
  { client, deadline }: Session,
  query: Pairs,
  busy: BusyTimeout = {},
): Promise<readonly Machine[]> {
  const ask = { what: 'list machines', query, deadline, ...busy };
  return readMachines((await client.get('/machines/', ask)).json());
}

export async function readOne(
  { client, deadline }: Session,
  systemId: string,
  busy: BusyTimeout = {},
): Promise<Machine> {
  const ask = { what: `show machine ${systemId}`, deadline, ...busy };
  return readMachine((await client.get(machinePath(systemId), ask)).json());
}

/** Refused before MAAS refuses it, which would not say why. */
export function refuseIfLocked(machine: Machine, { name }: Instance): void {
  if (!machine.locked) return;
  throw new Failure('conflict', `${nameOf(machine)} of ${name} is locked in MAAS`, {
    advice: "Unlock it first: custom action Unlock, or the machine's page in MAAS",
    tenant: 'The machine of this instance is locked; ask your administrator',
  });
}

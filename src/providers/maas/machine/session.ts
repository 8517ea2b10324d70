import type { Context, Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { type Pairs, path } from '../../../kit/http/address.ts';
import type { Client } from '../api/client.ts';
import { type Machine, readMachine, readMachines } from '../api/wire.ts';
import type { Settings } from '../settings.ts';

/** What every piece of work here needs. */
export interface Rig {
  readonly settings: Settings;
  readonly context: Context;
  readonly client: Client;
}

/** How long MAAS may take over an action that it began before ours: minutes, with slow BMCs. */
export const busyPatienceMs = 300_000;

/** How long a busy MAAS is asked again. */
export interface Patience {
  readonly patienceMs?: number;
}

export function machinePath(systemId: string): string {
  return path`/machines/${systemId}/`;
}

/** How texts for the operator name a machine. */
export function nameOf({ system_id, hostname }: Pick<Machine, 'system_id' | 'hostname'>): string {
  return hostname === '' ? `machine ${system_id}` : `machine ${system_id} (${hostname})`;
}

/** The same rig on another deadline, such as the one for undo. */
export function rigUntil({ settings, context, client }: Rig, deadline: Deadline): Rig {
  return {
    settings,
    context: { ...context, deadline },
    client: {
      ...client,
      get: (at, ask) => client.get(at, { deadline, ...ask }),
      post: (at, ask) => client.post(at, { deadline, ...ask }),
      put: (at, ask) => client.put(at, { deadline, ...ask }),
    },
  };
}

export async function listMachines(
  { client }: Rig,
  query: Pairs,
  patience: Patience = {},
): Promise<readonly Machine[]> {
  const reply = await client.get('/machines/', { what: 'list machines', query, ...patience });
  return readMachines(reply.json());
}

export async function readOne(
  { client }: Rig,
  systemId: string,
  patience: Patience = {},
): Promise<Machine> {
  const what = `show machine ${systemId}`;
  return readMachine((await client.get(machinePath(systemId), { what, ...patience })).json());
}

export function missing({ name, uuid }: Instance): Failure {
  return new Failure('not-found', `There is no machine of ${name} (${uuid})`, {
    tenant: 'This instance has no machine',
  });
}

/** Refused before MAAS refuses it, which would not say why. */
export function refuseIfLocked(machine: Machine, instance: Instance): void {
  if (!machine.locked) return;
  throw new Failure('conflict', `${nameOf(machine)} of ${instance.name} is locked in MAAS`, {
    advice: "Unlock it first: custom action Unlock, or the machine's page in MAAS",
    tenant: 'The machine of this instance is locked; ask your administrator',
  });
}

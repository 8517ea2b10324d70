import type { Instance } from '../../../contract/instance.ts';
import { expectFailure, statusOf } from '../../../failure.ts';
import type { Machine } from '../api/wire.ts';
import { keepOwnName, ownNameOf } from './annotations.ts';
import { machinePath, type Session } from './session.ts';

/** The name that the instance's machine has, or will have once it is deployed. */
export function hostnameOf(
  { settings }: Pick<Session, 'settings'>,
  { name }: Instance,
  machine: Machine,
  chosen: string | undefined,
): string {
  if (!settings.set_hostname) return machine.hostname;
  return chosen ?? name.replace(/[^A-Za-z0-9-]+/g, '-').replace(/^-+|-+$/g, '');
}

/**
 * Gives the machine the name that the operator wants it to have in MAAS; its own is kept with it. Where
 * MAAS refuses the name, the machine keeps its own, and the log says so.
 */
export async function rename(
  session: Session,
  instance: Instance,
  machine: Machine,
  chosen: string | undefined,
): Promise<void> {
  const hostname = hostnameOf(session, instance, machine, chosen);
  if (hostname === machine.hostname) return;
  if (ownNameOf(machine) === undefined) await keepOwnName(session, machine);
  try {
    await setHostname(session, machine, hostname, 30_000);
  } catch (thrown) {
    // A user who is no administrator, or a name that another machine has: no reason to fail a create.
    if (![400, 403, 409].includes(statusOf(thrown) ?? 0)) throw thrown;
    const { message } = expectFailure(thrown);
    session.log('machine.misnamed', { level: 'warn', hostname, error: message });
  }
}

/** Gives the machine its own name back; that this fails is no reason to keep the machine. */
export async function restoreName(session: Session, machine: Machine): Promise<void> {
  const hostname = ownNameOf(machine);
  if (hostname === undefined || hostname === machine.hostname) return;
  try {
    await setHostname(session, machine, hostname, 5_000);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    session.log('machine.misnamed', { level: 'warn', hostname, error: message });
  }
}

async function setHostname(
  { client, deadline }: Session,
  { system_id }: Machine,
  hostname: string,
  busyTimeoutMs: number,
): Promise<void> {
  const what = `call machine ${system_id} ${hostname}`;
  await client.put(machinePath(system_id), { what, form: { hostname }, deadline, busyTimeoutMs });
}

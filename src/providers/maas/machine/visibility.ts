import type { Instance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import { type Machine, type Me, readMe } from '../api/wire.ts';
import { storedIdOf } from '../stored.ts';
import { type BusyTimeout, readOne, type Session } from './session.ts';

/*
 * MAAS leaves other users' machines out of a list without a word, so that an empty one proves
 * something only once it is known whose key was used.
 */

export async function whoAmI(session: Session, busy: BusyTimeout = {}): Promise<Me> {
  session.known.me ??= await askWho(session, busy);
  return session.known.me;
}

/** The user whose machines are the instances'; MAAS is not asked where the operator says it. */
export async function accountOf(session: Session, busy: BusyTimeout = {}): Promise<string> {
  return session.settings.api_user ?? (await whoAmI(session, busy)).username;
}

async function askWho({ client, deadline, settings }: Session, busy: BusyTimeout): Promise<Me> {
  const ask = { what: 'say whose key this is', query: { op: 'whoami' }, deadline, ...busy };
  const reply = await client.get('/users/', ask);
  const me = readMe(reply.json());
  const { api_user: wanted } = settings;
  if (wanted === undefined || wanted === me.username) return me;
  const text = `The API key is the one of ${me.username}, but "api_user" is ${wanted}`;
  throw new Failure('config', text, {
    advice: `Use a key of ${wanted}: another user does not see the machines that belong to ${wanted}`,
    outage: true,
  });
}

/** Whether the key shows every machine of ours there can be. */
export function seesAll({ settings }: Session, { is_superuser }: Me): boolean {
  return is_superuser || settings.api_user !== undefined;
}

/**
 * Fails unless it is certain that a machine of the instance would have been in the list. A user who is no
 * administrator does not see a machine that another one has become the owner of, as by rescue mode.
 */
export async function refuseHidden(
  session: Session,
  instance: Instance,
  stored: () => Promise<Stored>,
  busy: BusyTimeout = {},
): Promise<void> {
  const me = await whoAmI(session, busy);
  if (me.is_superuser || (await stored()) !== 'hidden') return;
  const text = `Machine ${storedIdOf(instance)}, which the details of ${instance.name} name, belongs to another MAAS user than ${me.username}`;
  throw new Failure('denied', text, {
    advice:
      "It may be the instance's: an administrator who starts rescue mode becomes the owner for good. Look at it in MAAS; an administrator's key shows whose it is. Once it is no instance's, release it there, or take External:maas_system_id off the instance",
    tenant: 'The machine of this instance cannot be seen',
  });
}

/** Fails for a list without any machine of ours where the key may not show those that there are. */
export function refuseHiddenList(session: Session, me: Me, ours: readonly unknown[]): void {
  if (ours.length > 0 || seesAll(session, me)) return;
  const { username } = me;
  const text = `The key of ${username} shows no machine of this installation`;
  throw new Failure('denied', text, {
    advice: `If there are none yet, this is harmless. To be sure that a key sees all instances, set api_user to ${username} or use an administrator's key`,
  });
}

/** The machine that an instance's details name: `hidden` where MAAS answers that it is not the key's to see. */
export type Stored = Machine | 'hidden' | 'none';

export async function readStored(
  session: Session,
  id: string | undefined,
  busy: BusyTimeout = {},
): Promise<Stored> {
  if (id === undefined) return 'none';
  try {
    return await readOne(session, id, busy);
  } catch (thrown) {
    if (statusOf(thrown) === 403) return 'hidden';
    if (statusOf(thrown) === 404) return 'none';
    throw thrown;
  }
}

import type { Instance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import { type Me, readMe } from '../api/wire.ts';
import { storedIdOf } from '../stored.ts';
import { readOne, type Session } from './session.ts';

/*
 * MAAS leaves other users' machines out of a list without a word, so that an empty one proves
 * something only once it is known whose key was used.
 */

export async function whoAmI({ client, deadline, settings }: Session): Promise<Me> {
  const query = { op: 'whoami' };
  const reply = await client.get('/users/', { what: 'say whose key this is', query, deadline });
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

/** Fails unless it is certain that a machine of the instance would have been in the list. */
export async function refuseHidden(session: Session, instance: Instance): Promise<void> {
  const me = await whoAmI(session);
  if (seesAll(session, me)) return;
  const storedId = storedIdOf(instance);
  if (storedId === undefined || !(await isHidden(session, storedId))) return;
  const text = `Machine ${storedId} belongs to another MAAS user than ${me.username}`;
  throw new Failure('denied', text, {
    advice:
      "It may be the instance's: use the key it was deployed with, or an administrator's, and set api_user",
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

async function isHidden(session: Session, systemId: string): Promise<boolean> {
  try {
    await readOne(session, systemId);
    return false;
  } catch (thrown) {
    if (statusOf(thrown) === 403) return true;
    if (statusOf(thrown) === 404) return false;
    throw thrown;
  }
}

import type { Instance } from '../../../contract/instance.ts';
import { Failure, statusOf } from '../../../failure.ts';
import { type Me, readMe } from '../api/wire.ts';
import { storedIdOf } from '../stored.ts';
import { machinePath, type Rig } from './session.ts';

/*
 * MAAS leaves other users' machines out of a list without a word, so that an empty one proves
 * something only once it is known whose key was used.
 */

export async function whoAmI({ client, settings }: Rig): Promise<Me> {
  const reply = await client.get('/users/', {
    what: 'say whose key this is',
    query: { op: 'whoami' },
  });
  const me = readMe(reply.json());
  const { api_user: wanted } = settings;
  if (wanted === undefined || wanted === me.username) return me;
  throw new Failure(
    'config',
    `The API key is the one of ${me.username}, but "api_user" is ${wanted}`,
    {
      advice: `Use a key of ${wanted}: another user does not see the machines that belong to ${wanted}`,
      outage: true,
    },
  );
}

/** Whether the key shows every machine of ours there can be. */
export function seesAll({ settings }: Rig, { is_superuser }: Me): boolean {
  return is_superuser || settings.api_user !== undefined;
}

/** Fails unless it is certain that a machine of the instance would have been in the list. */
export async function refuseBlindness(rig: Rig, instance: Instance): Promise<void> {
  const me = await whoAmI(rig);
  if (seesAll(rig, me)) return;
  const storedId = storedIdOf(instance);
  if (storedId === undefined) return;
  if (!(await isHidden(rig, storedId))) return;
  throw new Failure(
    'denied',
    `Machine ${storedId} belongs to another MAAS user than ${me.username}`,
    {
      advice:
        "It may be the instance's: use the key it was deployed with, or an administrator's, and set api_user",
      tenant: 'The machine of this instance cannot be seen',
    },
  );
}

/** Fails for a list without anything of ours by somebody who may not see what is. */
export function refuseBlindList(rig: Rig, me: Me, ours: readonly unknown[]): void {
  if (ours.length === 0 && !seesAll(rig, me)) throw blind(me);
}

function blind({ username }: Me): Failure {
  return new Failure('denied', `The key of ${username} shows no machine of this installation`, {
    advice: `If there are none yet, this is harmless. To be sure that a key sees all instances, set api_user to ${username} or use an administrator's key`,
  });
}

async function isHidden({ client }: Rig, systemId: string): Promise<boolean> {
  try {
    await client.get(machinePath(systemId), { what: `show machine ${systemId}` });
    return false;
  } catch (thrown) {
    if (statusOf(thrown) === 403) return true;
    if (statusOf(thrown) === 404) return false;
    throw thrown;
  }
}

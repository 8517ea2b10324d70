import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText, statusOf } from '../../../failure.ts';
import { createClient } from '../api/client.ts';
import { clockSkewMs } from '../api/remote-error.ts';
import type { Me } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Session } from '../machine/session.ts';
import { whoAmI } from '../machine/visibility.ts';
import type { Settings } from '../settings.ts';
import { checkImages } from './images.ts';
import { checkBootSources, checkDhcp, checkMachines } from './machines.ts';
import { readVersion } from './wire.ts';

/** The checks of `doctor` against MAAS; nothing is changed. */
export async function checks(
  settings: Settings,
  context: Context,
  blueprint: Partial<Blueprint> = {},
): Promise<readonly Check[]> {
  const client = createClient(settings, context);
  const { log, installation, deadline, stateDirectory } = context;
  const call = { log, installation, deadline, stateDirectory };
  const session: Session = { settings, client, known: {}, ...call };
  try {
    const endpoint = await attempt('endpoint', () => checkEndpoint(session));
    const clear = client.url.startsWith('http://') ? [inTheClear] : [];
    if (endpoint[0]?.state === 'fail') return [...endpoint, ...clear];
    let me: Me | undefined;
    const key = await attempt('key', async () => {
      me = await whoAmI(session);
      return checkKey(settings, me);
    });
    if (me === undefined) return [...endpoint, ...clear, ...key];
    return [...endpoint, ...clear, ...key, ...(await checkInside(session, me, blueprint))];
  } catch (thrown) {
    return [{ name: 'endpoint', state: 'fail', found: fullText(Failure.from(thrown)) }];
  } finally {
    client.close();
  }
}

async function checkInside(
  session: Session,
  me: Me,
  blueprint: Partial<Blueprint>,
): Promise<readonly Check[]> {
  const all = [
    attempt('images', () => checkImages(session, blueprint)),
    attempt('machines', () => checkMachines(session, me)),
    attempt('DHCP', () => checkDhcp(session)),
    attempt('boot sources', () => checkBootSources(session, me)),
  ];
  return (await Promise.all(all)).flat();
}

const inTheClear: Check = {
  name: 'encryption',
  state: 'warn',
  found: 'plain http: the API key travels in the clear',
  advice: 'Switch TLS on in MAAS and set endpoint to its https:// address',
};

async function checkEndpoint({ client, deadline }: Session): Promise<readonly Check[]> {
  const nowMs = Date.now();
  const reply = await client.get('/version/', {
    what: 'say its version',
    limitMs: 15_000,
    deadline,
  });
  const version = readVersion(reply.json());
  return [
    { name: 'endpoint', state: 'ok', found: `MAAS ${version} at ${client.url}` },
    checkClock(clockSkewMs(reply, nowMs)),
  ];
}

function checkClock(skewMs: number | undefined): Check {
  if (skewMs === undefined)
    return { name: 'clock', state: 'skipped', found: 'MAAS does not tell the time' };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const found = `${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} MAAS`;
  if (seconds <= 60)
    return { name: 'clock', state: 'ok', found: `within ${Math.max(1, seconds)} s of MAAS` };
  const advice = 'Set the clocks right: MAAS refuses requests that are five minutes old';
  return { name: 'clock', state: skewMs > 240_000 ? 'fail' : 'warn', found, advice };
}

/** MAAS refuses a new name only when a create asks for it. */
function checkNames({ set_hostname }: Settings, isAdministrator: boolean): readonly Check[] {
  if (!set_hostname || isAdministrator) return [];
  return [
    {
      name: 'names',
      state: 'warn',
      found: 'set_hostname is on, but MAAS lets only administrators name machines',
      advice: "Use an administrator's key, or set set_hostname to false: machines keep their names",
    },
  ];
}

function checkKey(settings: Settings, { username, is_superuser }: Me): readonly Check[] {
  const { api_user } = settings;
  const found = `${username}${is_superuser ? ', an administrator' : ''}`;
  const key: Check = { name: 'key', state: 'ok', found: `the key of ${found}` };
  const name = checkNames(settings, is_superuser);
  if (is_superuser) {
    const seen = 'all machines can be seen; marks can be written on those of this user only';
    return [key, { name: 'rights', state: 'ok', found: seen }, ...name];
  }
  if (api_user !== undefined) {
    const seen = `the machines of ${username} can be seen, but for those that an administrator takes over by rescue mode`;
    return [key, { name: 'rights', state: 'ok', found: seen }, ...name];
  }
  return [
    key,
    ...name,
    {
      name: 'rights',
      state: 'warn',
      found: `${username} sees only this user's machines, and nothing ties the instances to ${username}`,
      advice: `Set api_user to ${username}, so that a key of another user is refused instead of finding nothing`,
    },
  ];
}

/** One line for a check that cannot be made, instead of an end to all the others. */
async function attempt(
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (thrown) {
    const failure = Failure.from(thrown);
    const state = statusOf(failure) === 403 ? 'skipped' : 'fail';
    return [{ name, state, found: fullText(failure) }];
  }
}

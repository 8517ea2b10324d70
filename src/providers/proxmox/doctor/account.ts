import type { Check } from '../../../contract/provider.ts';
import { listOf, numberOf, recordOf, textOf } from '../api/wire.ts';
import type { Session } from '../machine/session.ts';
import { soonDays } from './connection.ts';
import { seeingCluster } from './rights.ts';

/** The list of users tells both, to those who may see accounts; a token may not ask for itself. */
export async function checkAccount(session: Session): Promise<readonly Check[]> {
  const [user = '', token = ''] = session.api.token().split('!');
  const ask = { what: 'look at user and token', query: { full: 1 } };
  const users = listOf(await session.api.get('/access/users', ask)).map(recordOf);
  const own = users.find((one) => textOf(one['userid']) === user);
  const tokens = listOf(own?.['tokens']).map(recordOf);
  const data = tokens.find((one) => textOf(one['tokenid']) === token);
  if (own === undefined || data === undefined) {
    const found = 'its expiry is not shown: Sys.Audit on /access/groups is missing';
    const advice = seeingCluster(session.api.token());
    return ['token', 'user'].map((name) => ({ name, state: 'skipped', found, advice }));
  }
  return [
    checkExpiry('token', session.api.token(), data, renewToken),
    checkExpiry('user', user, own, `On a node: pveum user modify '${user}' --expire 0`),
  ];
}

const renewToken =
  'Make a second token and set token_next and secret_next until all servers have it';

function checkExpiry(name: string, account: string, data: unknown, advice: string): Check {
  const expire = numberOf(recordOf(data)['expire']) ?? 0;
  if (expire === 0) return { name, state: 'ok', found: `${account} never expires` };
  const days = Math.floor((expire * 1000 - Date.now()) / 86_400_000);
  const found = `${account} expires in ${days} days`;
  return days > soonDays ? { name, state: 'ok', found } : { name, state: 'warn', found, advice };
}

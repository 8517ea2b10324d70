import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText, remoteMessage, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Json, listOf, numberOf, recordOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { readClusterResources } from '../machine/capacity.ts';
import { openSession, type Session } from '../machine/session.ts';
import type { Settings } from '../settings.ts';
import { checkBridges, checkNodes, checkStorages, checkTags } from './cluster.ts';
import { checkConsole, checkEndpoints, soonDays } from './connection.ts';
import { checkRights } from './rights.ts';
import { checkTemplate, checkTemplates } from './templates.ts';

/** The checks of `doctor`; they change nothing. */
export async function checks(
  settings: Settings,
  context: Context,
  blueprint: Partial<Blueprint> = {},
): Promise<readonly Check[]> {
  const { checks: reached, version } = await checkEndpoints(settings, context);
  if (version === undefined) return reached;
  const session = openSession(settings, context);
  const found: Check[] = [...reached];
  let read: Promise<Json> | undefined;
  const rights = (): Promise<Json> => {
    read ??= readRights(session);
    return read;
  };
  const steps: readonly (readonly [string, () => Promise<readonly Check[]>])[] = [
    ['token', () => checkToken(session)],
    [
      'rights',
      async () => checkRights(session.settings, session.api.token(), await rights(), version),
    ],
    ['quorum', () => checkQuorum(session)],
    ['clock', () => checkClock(session)],
    ['network', () => checkBridges(session)],
    ['tags', async () => checkTags(session, await rights())],
    ['cluster', () => ofCluster(session, blueprint)],
    ['console', async () => [await checkConsole(settings)]],
  ];
  for (const [name, step] of steps) found.push(...(await attempt(name, step)));
  return found;
}

/** A check that the token may not make is skipped with the reason; any other failure is a finding. */
async function attempt(
  name: string,
  step: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await step();
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (statusOf(failure) !== 403) return [{ name, state: 'fail', found: fullText(failure) }];
    return [{ name, state: 'skipped', found: `the token may not ask: ${remoteMessage(failure)}` }];
  }
}

async function checkToken(session: Session): Promise<readonly Check[]> {
  const [user = '', token = ''] = session.api.token().split('!');
  const ask = { what: 'look at the API token' };
  const data = await session.api.get(path`/access/users/${user}/token/${token}`, ask);
  const advice = 'Make a second token and set token_next and secret_next until all servers have it';
  return [
    checkExpiry('token', session.api.token(), data, advice),
    ...(await checkUser(session, user)),
  ];
}

/** The tokens of a user end with the user; where the token may not ask for it, there is no check. */
async function checkUser(session: Session, user: string): Promise<readonly Check[]> {
  try {
    const data = await session.api.get(path`/access/users/${user}`, { what: 'look at the user' });
    const advice = `On a node: pveum user modify '${user}' --expire 0`;
    return [checkExpiry('user', user, data, advice)];
  } catch (thrown) {
    if (statusOf(thrown) !== 403) throw thrown;
    return [];
  }
}

function checkExpiry(name: string, account: string, data: unknown, advice: string): Check {
  const expire = numberOf(recordOf(data)['expire']) ?? 0;
  if (expire === 0) return { name, state: 'ok', found: `${account} never expires` };
  const days = Math.floor((expire * 1000 - Date.now()) / 86_400_000);
  const found = `${account} expires in ${days} days`;
  return days > soonDays ? { name, state: 'ok', found } : { name, state: 'warn', found, advice };
}

async function readRights({ api }: Session): Promise<Json> {
  const what = 'read the rights of the API token';
  return recordOf(await api.get('/access/permissions', { what }));
}

async function checkQuorum(session: Session): Promise<readonly Check[]> {
  const entries = listOf(await session.api.get('/cluster/status', { what: 'ask for the quorum' }));
  const cluster = entries.map(recordOf).find((entry) => entry['type'] === 'cluster');
  const name = 'quorum';
  if (cluster === undefined) return [{ name, state: 'ok', found: 'a single node needs none' }];
  if (numberOf(cluster['quorate']) === 1) return [{ name, state: 'ok', found: 'there is one' }];
  const advice = 'Nothing can be changed until most nodes see each other: pvecm status';
  return [{ name, state: 'fail', found: 'the cluster has none', advice }];
}

async function checkClock(session: Session): Promise<readonly Check[]> {
  const { node } = session.settings;
  const ask = { what: `ask ${node} for the time` };
  const time =
    numberOf(recordOf(await session.api.get(path`/nodes/${node}/time`, ask))['time']) ?? 0;
  const offSeconds = Math.round(Math.abs(time - Date.now() / 1000));
  const found = `${node} is ${offSeconds} s off this server's`;
  if (offSeconds <= 30) return [{ name: 'clock', state: 'ok', found }];
  return [{ name: 'clock', state: 'warn', found, advice: 'Let both servers follow the same NTP' }];
}

async function ofCluster(
  session: Session,
  blueprint: Partial<Blueprint>,
): Promise<readonly Check[]> {
  const all = await readClusterResources(session);
  return [
    ...checkNodes(session, all),
    ...checkStorages(session, all),
    ...checkTemplates(session, all),
    ...(await attempt('template', () => checkTemplate(session, all, blueprint))),
  ];
}

import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText, remoteMessage, statusOf } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Json, listOf, numberOf, recordOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { type ClusterResources, readClusterResources } from '../machine/capacity.ts';
import { openSession, type Session } from '../machine/session.ts';
import type { Settings } from '../settings.ts';
import { checkAccount } from './account.ts';
import { checkBridges, checkNodes, checkStorages, checkTags } from './cluster.ts';
import { checkConsole, checkEndpoints } from './connection.ts';
import { checkRights, seeingCluster } from './rights.ts';
import { checkSeeds } from './seeds.ts';
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
  const rights = once(() => readRights(session));
  const cluster = once(() => readClusterResources(session));
  const steps: readonly (readonly [string, () => Promise<readonly Check[]>])[] = [
    ['token', () => checkAccount(session)],
    [
      'rights',
      async () => checkRights(session.settings, session.api.token(), await rights(), version),
    ],
    ['quorum', async () => checkQuorum(session, await cluster())],
    ['clock', () => checkClock(session)],
    ['network', async () => checkBridges(session, await rights())],
    ['tags', async () => checkTags(session, await rights())],
    ['cluster', async () => ofCluster(session, await cluster(), blueprint)],
    ['seed storage', async () => checkSeeds(session, await cluster(), await rights())],
    ['console', async () => [await checkConsole(settings)]],
  ];
  for (const [name, step] of steps) found.push(...(await attempt(name, step)));
  return found;
}

/** Several checks go by one answer. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= read();
    return answer;
  };
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

async function readRights({ api }: Session): Promise<Json> {
  const what = 'read the rights of the API token';
  return recordOf(await api.get('/access/permissions', { what }));
}

async function checkQuorum(session: Session, all: ClusterResources): Promise<readonly Check[]> {
  const name = 'quorum';
  const entries = await session.api
    .get('/cluster/status', { what: 'ask for the quorum' })
    .catch((thrown: unknown) => {
      if (statusOf(thrown) !== 403) throw thrown;
    });
  if (entries === undefined) return [guessQuorum(session, all)];
  const cluster = listOf(entries)
    .map(recordOf)
    .find((entry) => entry['type'] === 'cluster');
  if (cluster === undefined) return [{ name, state: 'ok', found: 'a single node needs none' }];
  if (numberOf(cluster['quorate']) === 1) return [{ name, state: 'ok', found: 'there is one' }];
  return [{ name, state: 'fail', found: 'the cluster has none', advice: withoutQuorum }];
}

const withoutQuorum = 'Nothing can be changed until most nodes see each other: pvecm status';

/** Any token sees which nodes are online, as the server that was asked has it. */
function guessQuorum({ api }: Session, { nodes }: ClusterResources): Check {
  const name = 'quorum';
  const online = nodes.filter((row) => row.online).length;
  const seen = `${online} of ${nodes.length} nodes are online`;
  if (online * 2 > nodes.length) {
    const found = `${seen}; Sys.Audit on / is missing to ask for it`;
    return { name, state: 'skipped', found, advice: seeingCluster(api.token()) };
  }
  return {
    name,
    state: 'warn',
    found: `most likely there is none: ${seen}`,
    advice: withoutQuorum,
  };
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
  all: ClusterResources,
  blueprint: Partial<Blueprint>,
): Promise<readonly Check[]> {
  return [
    ...checkNodes(session, all),
    ...checkStorages(session, all),
    ...checkTemplates(session, all),
    ...(await attempt('template', () => checkTemplate(session, all, blueprint))),
  ];
}

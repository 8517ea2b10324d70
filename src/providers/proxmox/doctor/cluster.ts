import type { Check } from '../../../contract/provider.ts';
import { path } from '../../../kit/http/address.ts';
import { listOf, recordOf, textOf } from '../api/wire.ts';
import type { Session } from '../machine/session.ts';

/** Every bridge and vnet that the settings name has to be there. */
export async function checkBridges(session: Session): Promise<readonly Check[]> {
  const { node, network_bridge, network_map, vnet_map } = session.settings;
  const query = { type: 'any_bridge' };
  const ask = { what: `list the bridges of ${node}`, query };
  const bridges = namesIn(await session.api.get(path`/nodes/${node}/network`, ask), 'iface');
  const wanted = [...new Set([network_bridge, ...(network_map?.values() ?? [])])];
  return [
    presence('bridges', wanted, bridges, `on ${node}`),
    ...(vnet_map === undefined ? [] : [await checkVnets(session, [...new Set(vnet_map.values())])]),
  ];
}

async function checkVnets(session: Session, wanted: readonly string[]): Promise<Check> {
  const vnets = await session.api.get('/cluster/sdn/vnets', { what: 'list the vnets' });
  return presence('vnets', wanted, namesIn(vnets, 'vnet'), 'in the cluster');
}

function namesIn(list: unknown, key: string): readonly string[] {
  return listOf(list).flatMap((entry) => textOf(recordOf(entry)[key]) ?? []);
}

function presence(
  name: string,
  wanted: readonly string[],
  there: readonly string[],
  where: string,
): Check {
  const missing = wanted.filter((each) => !there.includes(each));
  if (missing.length === 0) return { name, state: 'ok', found: wanted.join(', ') };
  return {
    name,
    state: 'fail',
    found: `not ${where}: ${missing.join(', ')}`,
    advice: `There are ${there.join(', ') || 'none'}`,
  };
}

/** Without tags every list costs a request per machine. */
export async function checkTags(session: Session): Promise<readonly Check[]> {
  const options = recordOf(
    await session.api.get('/cluster/options', { what: 'read the tag policy' }),
  );
  const policy = options['user-tag-access'];
  const allow =
    textOf(recordOf(policy)['user-allow']) ??
    /user-allow=([a-z]+)/.exec(textOf(policy) ?? '')?.[1] ??
    'free';
  const name = 'tags';
  if (allow === 'free') return [{ name, state: 'ok', found: 'may be written freely' }];
  return [
    {
      name,
      state: 'warn',
      found: `the cluster lets users write tags: ${allow}`,
      advice:
        'Without the index tag every report costs one request per machine: set user-tag-access to user-allow=free, or give the token Sys.Modify on /',
    },
  ];
}

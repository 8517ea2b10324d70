import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, read } from '../api/client.ts';
import { attempt } from './attempt.ts';

const gib = 2 ** 30;
const leastFree = 0.1;

/** The pool of a profile's root disk, where a profile has one. */
export async function poolOf(
  client: Client,
  profiles: readonly string[],
  deadline: Deadline,
): Promise<string | undefined> {
  for (const profile of [...profiles].reverse()) {
    const ask = { what: `read profile ${profile}`, deadline };
    const { metadata } = await client.send('GET', path`/1.0/profiles/${profile}`, ask);
    const root = Object.values(read(profileSchema(), metadata).devices ?? {}).find(
      ({ type, path: at }) => type === 'disk' && at === '/',
    );
    if (root?.['pool'] !== undefined) return root['pool'];
  }
  return undefined;
}

/** Whether the pool of root disks is there, and has room. */
export function poolCheck(client: Client, pool: string, deadline: Deadline): Promise<Check> {
  return attempt(`storage ${pool}`, async () => {
    const ask = { what: `find storage pool ${pool}`, deadline };
    const { metadata } = await client.send('GET', path`/1.0/storage-pools/${pool}`, ask);
    const { driver, status } = read(poolSchema(), metadata);
    if (status !== undefined && status !== 'Created') {
      return { state: 'fail', found: `it is ${status}` };
    }
    const at = path`/1.0/storage-pools/${pool}/resources`;
    const sent = await client.send('GET', at, { what: `read the room in ${pool}`, deadline });
    const { used, total } = read(roomSchema(), sent.metadata).space;
    const free = total - used;
    const found = `${driver}, ${Math.floor(free / gib)} of ${Math.floor(total / gib)} GiB free`;
    if (total === 0 || free >= total * leastFree) return { state: 'ok', found };
    return { state: 'warn', found, advice: 'Without room instances are not made, and guests halt' };
  });
}

/** Members that are offline or evacuated; nothing for a server that is alone. */
export async function memberChecks(client: Client, deadline: Deadline): Promise<readonly Check[]> {
  const asked = { what: 'ask whether the server is in a cluster', deadline };
  const { metadata } = await client.send('GET', '/1.0/cluster', asked);
  if (!read(v.object({ enabled: v.boolean() }), metadata).enabled) return [];
  const check = await attempt('members', async () => {
    const query = { recursion: 1 };
    const ask = { what: 'list the members of the cluster', deadline, query };
    const sent = await client.send('GET', '/1.0/cluster/members', ask);
    const all = read(v.array(memberSchema()), sent.metadata);
    const away = all.filter(({ status }) => status !== 'Online');
    if (away.length === 0) return { state: 'ok', found: `all ${all.length} are online` };
    return {
      state: 'warn',
      found: away.map(({ server_name, status }) => `${server_name} is ${status}`).join(', '),
      advice:
        'No instance is made on such a member, and the state of those on one that is offline is unknown: incus cluster list, incus cluster restore',
    };
  });
  return [check];
}

function profileSchema() {
  return v.object({
    devices: v.nullable(v.record(v.string(), v.record(v.string(), v.string()))),
  });
}

function poolSchema() {
  return v.object({ driver: v.string(), status: v.optional(v.string()) });
}

function roomSchema() {
  return v.object({ space: v.object({ used: v.number(), total: v.number() }) });
}

function memberSchema() {
  return v.object({ server_name: v.string(), status: v.string() });
}

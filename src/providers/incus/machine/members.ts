import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import { type Client, read } from '../api/client.ts';
import { namesIn } from '../api/wire.ts';

/** The names of a cluster's members; none for a server that is alone. */
export async function members(client: Client, deadline: Deadline): Promise<readonly string[]> {
  const ask = { what: 'ask whether the server is in a cluster', deadline };
  const { metadata } = await client.send('GET', '/1.0/cluster', ask);
  if (!read(v.object({ enabled: v.boolean() }), metadata).enabled) return [];
  const listed = await client.send('GET', '/1.0/cluster/members', {
    ...{ what: 'list the members of the cluster', deadline },
  });
  return namesIn(read(v.array(v.string()), listed.metadata));
}

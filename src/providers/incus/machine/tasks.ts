import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import { poll } from '../../../kit/poll.ts';
import { type Client, read } from '../api/client.ts';
import { namesIn, type Operation, operationSchema } from '../api/wire.ts';

/**
 * Waits until no task of the server is under way on the instances; answers whether one was.
 *
 * A create is accepted before its instance can be seen: only its task shows that there will be one.
 */
export async function untilIdle(
  client: Client,
  names: readonly string[],
  deadline: Deadline,
): Promise<boolean> {
  let waited = false;
  await poll(deadline, `waiting for another task on ${names.join(' or ')}`, async () => {
    const busy = (await runningTasks(client, deadline)).some((task) => isAbout(task, names));
    waited ||= busy;
    return busy ? undefined : true;
  });
  return waited;
}

async function runningTasks(client: Client, deadline: Deadline): Promise<readonly Operation[]> {
  const ask = { what: 'list the tasks under way', deadline, query: { recursion: 1 } };
  const { metadata } = await client.send('GET', '/1.0/operations', ask);
  const schema = v.record(v.string(), v.nullable(v.array(operationSchema())));
  const { pending, running, cancelling } = read(schema, metadata ?? {});
  return [pending, running, cancelling].flatMap((each) => each ?? []);
}

function isAbout({ resources }: Operation, names: readonly string[]): boolean {
  return Object.values(resources ?? {}).some((addresses) =>
    namesIn(addresses ?? []).some((name) => names.includes(name)),
  );
}

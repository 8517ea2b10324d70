import * as v from 'valibot';
import type { Context, Deadline } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { expectFailure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, createClient, read } from '../api/client.ts';
import { namesIn } from '../api/wire.ts';
import { listInstances } from '../machine/instances.ts';
import type { Blueprint, Settings } from '../settings.ts';
import { attempt } from './attempt.ts';
import { memberChecks, poolCheck, poolOf } from './places.ts';
import { projectChecks } from './project.ts';

/** For `doctor`: whether Incus answers and trusts us, and whether what instances need is there. */
export async function checks(
  settings: Settings,
  context: Context,
  blueprint: Partial<Blueprint> = {},
): Promise<readonly Check[]> {
  const client = createClient(settings, context);
  const has = (name: string, at: string) => exists(client, context, name, at);
  const { profiles, network, vlan_network, target } = settings;
  const { deadline } = context;
  const { template_id: image, storage } = blueprint;
  try {
    const server = await serverCheck(client, context);
    if (server.state === 'fail') return [server];
    return [
      server,
      await instancesCheck(client, settings, context),
      ...(await projectChecks(client, settings, deadline)),
      ...(await memberChecks(client, deadline)),
      ...(await Promise.all(
        profiles.map((each) => has(`profile ${each}`, path`/1.0/profiles/${each}`)),
      )),
      ...(network === undefined
        ? []
        : [await has(`network ${network}`, path`/1.0/networks/${network}`)]),
      ...(vlan_network === undefined ? [] : [await vlanNetworks(client, context, vlan_network)]),
      ...(await storageChecks(client, settings, storage, deadline)),
      ...(image === undefined ? [] : [await imageCheck(has, image)]),
      ...(target === undefined ? [] : [await targetCheck(has, target)]),
    ];
  } finally {
    client.close();
  }
}

const needed = ['etag', 'instances', 'projects', 'cloud_init'];

async function serverCheck(client: Client, { deadline }: Context): Promise<Check> {
  return attempt('server', async () => {
    const { metadata } = await client.send('GET', '/1.0', { what: 'ask for the server', deadline });
    const { auth, api_extensions, environment } = read(serverSchema(), metadata);
    if (auth !== 'trusted') {
      return {
        state: 'fail',
        found: 'the server answers but does not trust the client certificate',
        advice:
          'On the server: incus config trust add-certificate FILE (LXD: lxc config trust add FILE)',
      };
    }
    const lacks = needed.filter((each) => !api_extensions.includes(each));
    const { server = 'Incus or LXD', server_version: version = '' } = environment;
    if (lacks.length > 0) {
      return { state: 'fail', found: `${server} ${version} lacks ${lacks.join(', ')}` };
    }
    return { state: 'ok', found: `${server} ${version} trusts the client certificate` };
  });
}

function serverSchema() {
  return v.object({
    auth: v.string(),
    api_extensions: v.array(v.string()),
    environment: v.optional(
      v.object({ server: v.optional(v.string()), server_version: v.optional(v.string()) }),
      {},
    ),
  });
}

function instancesCheck(client: Client, { project }: Settings, { deadline }: Context) {
  return attempt('instances', async () => {
    const all = await listInstances(client, project, deadline);
    const away = all.filter(({ incus }) => incus.status === 'Error').length;
    if (away === 0) return { state: 'ok', found: `project ${project} has ${all.length} instances` };
    return {
      state: 'warn',
      found: `${away} of ${all.length} instances are in error, or their member is offline`,
    };
  });
}

/** Where an instance chooses none, its root disk is in the pool of a profile. */
async function storageChecks(
  client: Client,
  { profiles }: Settings,
  chosen: string | undefined,
  deadline: Deadline,
): Promise<readonly Check[]> {
  // A profile that cannot be read has a check of its own.
  const pool = chosen ?? (await poolOf(client, profiles, deadline).catch(unread));
  return pool === undefined ? [] : [await poolCheck(client, pool, deadline)];
}

function unread(thrown: unknown): undefined {
  expectFailure(thrown);
}

function exists(client: Client, { deadline }: Context, name: string, at: string): Promise<Check> {
  return attempt(name, async () => {
    await client.send('GET', at, { what: `find ${name}`, deadline });
    return { state: 'ok', found: 'is there' };
  });
}

async function vlanNetworks(
  client: Client,
  { deadline }: Context,
  pattern: string,
): Promise<Check> {
  return attempt('networks of VLANs', async () => {
    const { metadata } = await client.send('GET', '/1.0/networks', {
      what: 'list the networks',
      deadline,
    });
    const [before = '', after = ''] = pattern.split('{vlan}');
    const names = namesIn(read(v.array(v.string()), metadata));
    const found = names.filter((each) => each.startsWith(before) && each.endsWith(after));
    if (found.length > 0)
      return { state: 'ok', found: `${found.length} networks are called ${pattern}` };
    return { state: 'warn', found: `no network is called ${pattern}` };
  });
}

type Has = (name: string, at: string) => Promise<Check>;

function imageCheck(has: Has, image: string): Promise<Check> {
  const whole = /^[0-9a-f]{64}$/.test(image);
  return has(
    `image ${image}`,
    whole ? path`/1.0/images/${image}` : `/1.0/images/aliases/${encodeURIComponent(image)}`,
  );
}

function targetCheck(has: Has, target: string): Promise<Check> {
  return target.startsWith('@')
    ? has(`group ${target}`, path`/1.0/cluster/groups/${target.slice(1)}`)
    : has(`member ${target}`, path`/1.0/cluster/members/${target}`);
}

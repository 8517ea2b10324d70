import * as v from 'valibot';
import type { Deadline } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, isGone, read } from '../api/client.ts';
import { type Config, projectSchema } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { attempt } from './attempt.ts';

/** Whether the project is there, and whether its restrictions and limits let instances be made. */
export async function projectChecks(
  client: Client,
  settings: Settings,
  deadline: Deadline,
): Promise<readonly Check[]> {
  const { project } = settings;
  let config: Config = {};
  const there = await attempt(`project ${project}`, async () => {
    const ask = { what: `find project ${project}`, deadline };
    const { metadata } = await client.send('GET', path`/1.0/projects/${project}`, ask);
    config = read(projectSchema(), metadata).config;
    const obstacles = config['restricted'] === 'true' ? obstaclesIn(config, settings) : [];
    if (obstacles.length === 0) return { state: 'ok', found: 'is there' };
    return {
      state: obstacles.some(({ fails }) => fails) ? 'fail' : 'warn',
      found: `it is restricted and refuses ${obstacles.map(({ refuses }) => refuses).join(', ')}`,
      advice: `incus project set ${project} ${obstacles.map(({ key, wants }) => `${key}=${wants}`).join(' ')}`,
    };
  });
  if (there.state === 'fail' && Object.keys(config).length === 0) return [there];
  return [there, ...(await limitCheck(client, project, deadline))];
}

interface Obstacle {
  readonly key: string;
  readonly wants: string;
  readonly refuses: string;
  /** No instance can be made. */
  readonly fails: boolean;
}

/** A restricted project refuses most of these unless it says otherwise. */
function obstaclesIn(config: Config, settings: Settings): readonly Obstacle[] {
  const { bridge, vlan_bridge, nesting, privileged, target } = settings;
  const plain = bridge !== undefined || vlan_bridge !== undefined;
  const nic = config['restricted.devices.nic'] ?? 'managed';
  const says = (key: string, otherwise: string): string => config[`restricted.${key}`] ?? otherwise;
  const all: readonly (false | readonly [string, string, string, boolean])[] = [
    plain && nic !== 'allow' && ['devices.nic', 'allow', 'NICs on bridges', true],
    !plain && nic === 'block' && ['devices.nic', 'managed', 'NICs', true],
    nesting &&
      says('containers.nesting', 'block') !== 'allow' && [
        ...(['containers.nesting', 'allow', 'nesting', true] as const),
      ],
    privileged &&
      says('containers.privilege', 'unprivileged') !== 'allow' && [
        ...(['containers.privilege', 'allow', 'privileged containers', true] as const),
      ],
    target !== undefined &&
      says('cluster.target', 'block') !== 'allow' && [
        ...(['cluster.target', 'allow', 'the choice of a member', true] as const),
      ],
    settings.max_snapshots > 0 &&
      says('snapshots', 'block') !== 'allow' && [
        ...(['snapshots', 'allow', 'snapshots', false] as const),
      ],
    settings.max_disks > 0 &&
      says('devices.disk', 'managed') === 'block' && [
        ...(['devices.disk', 'managed', 'data disks', false] as const),
      ],
  ];
  return all.flatMap((each) => {
    if (each === false) return [];
    const [key, wants, refuses, fails] = each;
    return [{ key: `restricted.${key}`, wants, refuses, fails }];
  });
}

const mostUsed = 0.9;

/** The limits of the project that are nearly reached; nothing for a project without limits. */
async function limitCheck(
  client: Client,
  project: string,
  deadline: Deadline,
): Promise<readonly Check[]> {
  const ask = { what: `read what project ${project} uses`, deadline };
  const at = path`/1.0/projects/${project}/state`;
  const state = await client.send('GET', at, ask).catch((thrown: unknown) => {
    if (!isGone(thrown)) throw thrown;
  });
  if (state === undefined) return [];
  const { resources } = read(stateSchema(), state.metadata);
  const limited = Object.entries(resources).filter(([, { Limit: limit }]) => limit >= 0);
  if (limited.length === 0) return [];
  const full = limited.filter(([, { Limit: limit, Usage: used }]) => used >= limit * mostUsed);
  const words = (some: typeof limited): string =>
    some.map(([name, { Limit: limit, Usage: used }]) => sentence(name, used, limit)).join(', ');
  const name = `limits of project ${project}`;
  if (full.length === 0) return [{ name, state: 'ok', found: words(limited) }];
  return [
    {
      ...{ name, state: 'warn', found: words(full) },
      advice: `Raise what is nearly used up: incus project set ${project} limits.…`,
    },
  ];
}

function sentence(name: string, used: number, limit: number): string {
  const isBytes = name === 'memory' || name === 'disk';
  const shown = (value: number): string => String(isBytes ? Math.ceil(value / 2 ** 30) : value);
  return `${name} ${shown(used)} of ${shown(limit)}${isBytes ? ' GiB' : ''}`;
}

function stateSchema() {
  const resource = v.object({ Limit: v.number(), Usage: v.number() });
  return v.object({ resources: v.record(v.string(), resource) });
}

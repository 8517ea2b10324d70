import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as v from 'valibot';
import { type Cluster, type Options, startProxmox } from '../../../../fakes/pve/index.ts';
import type { Context } from '../../../../src/contract/context.ts';
import type { Broadcast, Network, Networks } from '../../../../src/contract/network.ts';
import type { Check } from '../../../../src/contract/provider.ts';
import { createDeadline } from '../../../../src/kit/deadline.ts';
import {
  destroy,
  implement,
  type NetworkLife,
  shutDown,
} from '../../../../src/lifecycle/network/networks.ts';
import { network as half } from '../../../../src/providers/proxmox/network/index.ts';
import {
  type NetworkSettings,
  settings,
} from '../../../../src/providers/proxmox/network/settings.ts';

export const installation = 'cs-1';
const secret = '3d0f8a52-91c4-4e1b-a7b6-5c2e9d8f7a61';
const user = 'net@pve';

/** The rights that the provider's page asks for, and nothing besides. */
const pageRights: Pick<Options, 'roles' | 'tokens' | 'acl'> = {
  tokens: [{ id: `${user}!cs`, secret }],
  roles: {
    CloudStackNetwork: ['SDN.Allocate', 'SDN.Audit', 'SDN.Use'],
    CloudStackApply: ['SDN.Allocate'],
    CloudStackSight: ['VM.Audit'],
  },
  acl: [
    { path: '/sdn/zones/cloud', role: 'CloudStackNetwork', who: user },
    { path: '/sdn', role: 'CloudStackApply', who: user, propagate: false },
    { path: '/vms', role: 'CloudStackSight', who: user },
  ],
};

export const vlanZone = { zone: 'cloud', type: 'vlan', bridge: 'vmbr1' } as const;

export interface Stage {
  readonly cluster: Cluster;
  implement(network?: Partial<Network>, more?: Attempt): Promise<Broadcast>;
  shutDown(network?: Partial<Network>, more?: Attempt): Promise<void>;
  destroy(network?: Partial<Network>, more?: Attempt): Promise<void>;
  networks(more?: Attempt): Promise<Networks>;
  /** The checks of doctor, by name. */
  checks(more?: Attempt): Promise<ReadonlyMap<string, Check>>;
  /** Writes the note of a lock that a call of this server took; answers its file. */
  lockNote(token: string): string;
  /** The vnets that a node really has. */
  bridges(node?: string): readonly string[];
  /** Requests that changed something, or tried to. */
  changes(): readonly string[];
}

export interface Attempt {
  readonly details?: Readonly<Record<string, string>>;
  readonly seconds?: number;
  readonly installation?: string;
  /** Another management server has files of its own. */
  readonly server?: string;
}

export async function stageFor(t: TestContext, options: Options = {}): Promise<Stage> {
  const cluster = await startProxmox({
    ...{ scale: 0.05, zones: [vlanZone] },
    ...pageRights,
    ...options,
  });
  const files = mkdtempSync(join(tmpdir(), 'outrigger-network-'));
  t.after(async () => {
    rmSync(files, { recursive: true });
    await cluster.close();
  });
  const life = async (more: Attempt = {}): Promise<NetworkLife> => {
    const context = contextFor(files, more);
    const given = read({ ...detailsFor(cluster), ...more.details });
    const driver = await half.connect(given, context);
    if (driver.networks === undefined) throw new Error('the driver has no networks');
    return { networks: driver.networks, context };
  };
  return {
    cluster,
    implement: async (network, more) => implement(await life(more), wanted(network)),
    shutDown: async (network, more) => shutDown(await life(more), wanted(network)),
    destroy: async (network, more) => destroy(await life(more), wanted(network)),
    networks: async (more) => (await life(more)).networks,
    async checks(more = {}) {
      const given = read({ ...detailsFor(cluster), ...more.details });
      const found = (await half.checks?.(given, contextFor(files, more))) ?? [];
      return new Map(found.map((check) => [check.name, check]));
    },
    lockNote(token) {
      const name = `sdn-lock-${(cluster.endpoints[0] ?? '').replace(/[^A-Za-z0-9.-]+/g, '_')}`;
      writeFileSync(join(files, name), token);
      return join(files, name);
    },
    bridges: (node = 'pve1') => [...(cluster.state.nodes.get(node)?.sdn.bridges ?? [])],
    changes: () =>
      cluster.requests
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path }) => `${method} ${path}`),
  };
}

export function wanted(more: Partial<Network> = {}): Network {
  return { id: '231', kind: 'L2', tag: 1577, ...more };
}

export function contextFor(
  files: string,
  { seconds = 20, installation: of, server }: Attempt,
): Context {
  const clock = (): number => performance.now();
  const endMs = clock() + seconds * 1000;
  return {
    deadline: createDeadline(clock, { endMs, undoEndMs: endMs + 3000 }),
    log: () => {},
    installation: of ?? installation,
    stateDirectory: () => (server === undefined ? files : mkdtempSync(join(files, server))),
  };
}

function detailsFor(cluster: Cluster): Readonly<Record<string, string>> {
  return {
    url: cluster.endpoints[0] ?? '',
    tls_fingerprint: cluster.fingerprints.join(','),
    ...{ user, token: 'cs', secret, sdn_zone: 'cloud' },
  };
}

/** Settings through their own schemas, as they come from details. */
export function read(given: Readonly<Record<string, string>>): NetworkSettings {
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(settings)) {
    const raw = given[key] ?? ('default' in field ? field.default : undefined);
    if (raw !== undefined && raw !== '')
      values[key] = v.parse(field.schema() as v.GenericSchema<string>, raw);
  }
  return values as unknown as NetworkSettings;
}

/** Cuts the nth changing request and every request after it, as a kill does; answers whether it came. */
export async function killedAt(
  { cluster }: Pick<Stage, 'cluster'>,
  step: number,
  side: 'before' | 'after',
  work: () => Promise<unknown>,
): Promise<boolean> {
  const usual = cluster.faults.forRequest;
  let left = step;
  let isDead = false;
  cluster.faults.forRequest = (request) => {
    if (isDead) return [{ cut: 'before' }];
    if (request.method === 'GET' || left-- > 0) return usual(request);
    isDead = true;
    return [{ cut: side }];
  };
  await work().catch(() => {});
  cluster.faults.forRequest = usual;
  return isDead;
}

import type { TestContext } from 'node:test';
import { type Client, clientFor, type Reply } from '../../fakes/pve/client.ts';
import { type Cluster, type Options, startProxmox } from '../../fakes/pve/index.ts';

const user = 'net@pve';
const zones: NonNullable<Options['zones']> = [
  { zone: 'zs', type: 'simple' },
  { zone: 'zv', type: 'vlan', bridge: 'vmbr0' },
  { zone: 'zx', type: 'vxlan', peers: '10.77.0.11,10.77.0.12' },
];

export interface Stage {
  readonly cluster: Cluster;
  readonly client: Client;
  /** Another account with these roles by place. */
  as(acl: Readonly<Record<string, string>>): Client;
  said(method: string, path: string, params?: Record<string, string>): Promise<string>;
  rows(path: string, client?: Client): Promise<readonly Record<string, unknown>[]>;
}

export async function begin(t: TestContext, options: Options = {}): Promise<Stage> {
  const cluster = await startProxmox({
    ...{ scale: 0.005, zones, version: '8.4' },
    roles: { Audit: ['SDN.Audit'], Use: ['SDN.Use'], Allocate: ['SDN.Allocate'] },
    tokens: [{ id: `${user}!t1`, secret: 'aaaa' }],
    ...options,
  });
  const client = clientFor(cluster);
  const other = clientFor(cluster, { token: `${user}!t1` });
  t.after(async () => {
    client.close();
    other.close();
    await cluster.close();
  });
  return {
    ...{ cluster, client },
    as(acl) {
      cluster.state.acl = Object.entries(acl).map(([path, role]) => ({
        ...{ path, role, who: user, propagate: path !== '/sdn' },
      }));
      return other;
    },
    said: async (method, path, params) => text(await client.call(method, path, params)),
    rows: async (path, by = client) =>
      ((await by.call('GET', path)).data ?? []) as Record<string, unknown>[],
  };
}

export function text({ status, message, errors }: Reply): string {
  const parts = Object.entries(errors ?? {}).map(([key, value]) => `${key}: ${value}`);
  return `${status} ${[(message ?? '').trim(), ...parts].join(' | ')}`.trim();
}

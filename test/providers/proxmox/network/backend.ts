import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster, Options } from '../../../../fakes/pve/index.ts';
import type { Given, NetworkBackend } from '../../../conformance/network/backend.ts';
import type { Details } from '../../../support/payloads.ts';
import { detailsFor, proxmoxBackend, rights, user } from '../backend.ts';
import { seedOptions, seedsOf } from '../seed-scene.ts';
import { vlanZone } from './stage.ts';

const details: Details = { seed_storage: 'seeds' };

/** One token for both halves, with the rights that the page gives. */
export function bothHalves(version: '8.4' | '9.1'): Options {
  const seeds = seedOptions();
  return {
    ...seeds,
    version,
    zones: [vlanZone],
    roles: {
      ...seeds.roles,
      CloudStack: rights[version],
      CloudStackNetwork: ['SDN.Allocate', 'SDN.Audit', 'SDN.Use'],
      CloudStackApply: [...rights[version], 'SDN.Allocate'],
    },
    acl: [
      ...(seeds.acl ?? []),
      { path: '/sdn/zones/cloud', role: 'CloudStackNetwork', who: user },
      { path: '/sdn', role: 'CloudStackApply', who: user, propagate: false },
      { path: '/sdn/zones/localnetwork', role: 'PVESDNUser', who: user },
    ],
  };
}

export async function proxmoxNetworkBackend(version: '8.4' | '9.1'): Promise<NetworkBackend> {
  let cluster: Cluster | undefined;
  const options = bothHalves(version);
  const machines = await proxmoxBackend(options, (made) => {
    cluster = made;
  })();
  const made = cluster as unknown as Cluster;
  let fault = { remove: (): void => {} };
  const { node: _node, ...connection } = detailsFor(made);
  return {
    machines: {
      ...machines,
      details: () => ({ host: { ...machines.details().host, ...details, other_nodes: 'pve2' } }),
    },
    offers: { networks: true, guests: true },
    registration: () => ({ ...connection, ...details, sdn_zone: 'cloud', sdn_tags: '2000-2099' }),
    networks: async () => [...made.state.vnets.keys()],
    async plant(remoteId) {
      const own = { vnet: remoteId, zone: 'cloud', type: 'vnet', tag: '9', alias: 'the DMZ' };
      made.state.vnets.set(remoteId, own);
      made.applySdn();
    },
    noResets: 'its storage for images gives no data back that a password could be added to',
    // Each node has a storage of its own.
    kept: async () => [...new Set(seedsOf(made).map(({ name }) => name))],
    guest: async (uuid) => guestOf(made, uuid),
    async outage(on) {
      fault.remove();
      if (!on) return;
      fault = made.faults.request({ cut: 'before', times: Number.POSITIVE_INFINITY });
    },
  };
}

/** The seed in the drive of the instance's machine. */
function guestOf(cluster: Cluster, uuid: string): Given | undefined {
  const drives = [...cluster.state.vms.values()].flatMap(({ config }) => [...config.values()]);
  const volume = drives.find((value) => value.startsWith('seeds:iso/') && value.includes(uuid));
  const name = volume?.replace(/^seeds:|,.*$/g, '');
  const seed = seedsOf(cluster).find((each) => each.name === name);
  if (seed === undefined) return undefined;
  const meta = JSON.parse(fileIn(seed.data ?? '', 'meta-data')) as Record<string, string>;
  const vendor = fileIn(seed.data ?? '', 'vendor-data');
  return {
    hostname: meta['local-hostname'] ?? '',
    instanceId: meta['instance-id'] ?? '',
    userData: fileIn(seed.data ?? '', 'user-data'),
    publicKeys: [meta['public-keys'] ?? []].flat(),
    ...passwordIn(vendor),
  };
}

/** The parts of the vendor data are in base64. */
function passwordIn(vendor: string): { readonly password?: string } {
  const parts = vendor.split(/\r?\n\r?\n/).map((part) => String(Buffer.from(part, 'base64')));
  const [, password] = /"?password"?: *"?([^",\n}]+)/.exec([vendor, ...parts].join('\n')) ?? [];
  return password === undefined ? {} : { password };
}

function fileIn(image: string, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-seed-'));
  try {
    writeFileSync(join(folder, 'seed.iso'), Buffer.from(image, 'latin1'));
    const of = ['-R', '-x', `/${name}`, '-i', join(folder, 'seed.iso')];
    return String(spawnSync('isoinfo', of, { maxBuffer: 2 ** 24 }).stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, Options } from '../../../fakes/pve/index.ts';
import type { Details } from '../../support/payloads.ts';
import { user } from './backend.ts';
import { type ClusterScene, inCluster } from './scene.ts';

const twoVnets: Options = { vnets: { tenant1: 'z1', tenant2: 'z1' } };

/** The two NICs of the instance are in the networks 204 and 205. */
const onVnets: Details = { vnet_map: '204=tenant1,205=tenant2' };

/** The rights on networks are these alone. */
function allowOnly(
  cluster: Cluster,
  ...entries: readonly (readonly [path: string, role: string])[]
) {
  const { state } = cluster;
  for (const name of ['SDN.Use', 'SDN.Audit']) {
    const role = state.roles.get('CloudStack') ?? new Set<string>();
    state.roles.set('CloudStack', new Set([...role].filter((each) => each !== name)));
  }
  state.roles.set('NetAudit', new Set(['SDN.Audit'])).set('NetUse', new Set(['SDN.Use']));
  for (const [path, role] of entries) state.acl.push({ path, role, who: user, propagate: true });
}

/** A create that fails with this text before it has changed anything. */
async function refused({ cloud, changes }: ClusterScene, text: RegExp): Promise<void> {
  const before = changes().length;
  const { exitCode, text: answer } = await cloud.call('create');
  assert.equal(exitCode, 1);
  assert.match(answer, text);
  assert.deepEqual(changes().slice(before), []);
}

describe('proxmox checks before it copies', { concurrency: 4 }, () => {
  it(
    'a NIC without a network segment is refused before anything is copied',
    inCluster(async (scene) => {
      const { cloud } = scene;
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, uri: 'vxlan://5001' })) });
      await refused(scene, /NIC 0 belongs to vxlan:\/\/5001/);
    }),
  );

  it(
    'a bridge that the node does not have is refused before anything is copied, with those it has',
    inCluster(async (scene) => {
      scene.configure({ network_bridge: 'vmbr77' });
      await refused(scene, /shows the API token no bridge or vnet vmbr77.*It shows vmbr0, vmbr1/s);
      const iso = { template_type: 'iso', iso_path: 'shared:iso/debian.iso', storage: 'shared' };
      scene.configure(iso);
      await refused(scene, /shows the API token no bridge or vnet vmbr77/);
    }),
  );

  it(
    'a vnet that is not there is refused before anything is copied, and one that is there is used',
    inCluster(async (scene) => {
      scene.configure({ vnet_map: '204=tenant1,205=tenant9' });
      await refused(scene, /shows the API token no bridge or vnet tenant9/);
      scene.configure(onVnets);
      await scene.cloud.ok('create');
    }, twoVnets),
  );

  it(
    'a VLAN on a vnet that takes none is refused before anything is copied',
    inCluster(async (scene) => {
      scene.configure({ network_map: '204=tenant1' });
      await refused(scene, /The vnet tenant1 takes no VLAN \(1577\) from a NIC.*vnet_map/s);
      scene.cluster.state.vnets.set('tenant1', { vnet: 'tenant1', zone: 'z1', vlanaware: '1' });
      scene.cluster.applySdn();
      await scene.cloud.ok('create');
    }, twoVnets),
  );

  it(
    'a bridge that the token may look at but not use is refused before anything is copied',
    inCluster(async (scene) => {
      allowOnly(scene.cluster, ['/sdn/zones/localnetwork', 'NetAudit']);
      await refused(
        scene,
        /may not use vmbr0 with VLAN 1577.*pveum acl modify \/sdn\/zones\/local/s,
      );
    }),
  );

  it(
    'a vnet that the token may look at but not use is refused before anything is copied',
    inCluster(async (scene) => {
      scene.configure(onVnets);
      allowOnly(
        scene.cluster,
        ['/sdn/zones/z1', 'NetAudit'],
        ['/sdn/zones/localnetwork', 'NetUse'],
      );
      await refused(scene, /may not use tenant1/);
    }, twoVnets),
  );

  for (const [place, ...paths] of [
    ['everywhere', '/sdn'],
    ['on the zone', '/sdn/zones/localnetwork'],
    ['on the bridge', '/sdn/zones/localnetwork/vmbr0'],
  ] as const) {
    it(
      `a create succeeds with the right to use networks ${place} alone`,
      inCluster(async ({ cloud, cluster }) => {
        allowOnly(cluster, ...paths.map((path) => [path, 'NetUse'] as const));
        await cloud.ok('create');
      }),
    );
  }

  it(
    'a create succeeds with the right on the VLANs of its NICs alone',
    inCluster(async ({ cloud, cluster }) => {
      const nics = cloud.vm.nics.filter(({ vlan }) => vlan !== 'untagged');
      cloud.change({ nics });
      const places = nics.map(({ vlan }) => `/sdn/zones/localnetwork/vmbr0/${vlan}`);
      // The copy of a template has its NICs at first, and so wants a right on their bridge too.
      cluster.vm(9000).config.delete('net0');
      allowOnly(cluster, ...places.map((path) => [path, 'NetUse'] as const));
      await cloud.ok('create');
    }),
  );

  it(
    'an instance that is to boot with UEFI gets no copy of a template with a BIOS',
    inCluster(async (scene) => {
      const { cloud, cluster } = scene;
      cloud.change({ firmware: 'UEFI' });
      await refused(scene, /is to boot with UEFI, and its template has a BIOS \(template 9000/);
      cluster.vm(9000).config.set('bios', 'ovmf');
      await cloud.ok('create');
      assert.equal(cluster.vm(10042).config.get('bios'), 'ovmf');
    }),
  );
});

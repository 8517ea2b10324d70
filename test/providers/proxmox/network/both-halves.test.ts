import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, Options } from '../../../../fakes/pve/index.ts';
import { proxmox } from '../../../../src/providers/proxmox/index.ts';
import { callNetwork, recorded } from '../../../cloudstack/network/recorded.ts';
import { installation } from '../../../conformance/cloud.ts';
import { makePlace } from '../../../support/world.ts';
import { detailsFor, user } from '../backend.ts';
import { type ClusterScene, inCluster } from '../scene.ts';
import { vlanZone } from './stage.ts';

const onPage: Options = { zones: [vlanZone] };

/** CloudStack's calls of the network half, as the recorded ones, for the scene's cluster. */
function networkHalf(cluster: Cluster, details: Record<string, string> = {}) {
  const place = makePlace({ proxmox: async () => proxmox });
  const { node: _node, ...connection } = detailsFor(cluster);
  const given = {
    ...{ ...connection, provider: 'proxmox', installation },
    ...{ sdn_zone: 'cloud', sdn_tags: '2000-2099', ...details },
  };
  return {
    remove: place.remove,
    async play(name: string): Promise<{ readonly exitCode: number; readonly text: string }> {
      const payload = recorded(name, given);
      const command = /[a-z]+-network$/.exec(name)?.[0] ?? '';
      const fields = { ...(payload['payload'] as object), network_id: '231' };
      return callNetwork(place, command, { ...payload, payload: fields });
    },
  };
}

const implement = 'nx-l2-implement-network';
const shutDown = 'l2-restart-shutdown-network';
const destroy = 'l2-destroy-network';

/** One token for both halves, which may use the networks of these zones alone. */
function allowNetworks({ cluster: { state } }: ClusterScene, ...zones: readonly string[]): void {
  const own = [...(state.roles.get('CloudStack') ?? [])].filter((name) => !/^SDN/.test(name));
  state.roles.set('CloudStack', new Set([...own, 'SDN.Audit', 'SDN.Allocate']));
  state.roles.set('NetUse', new Set(['SDN.Use', 'SDN.Audit', 'SDN.Allocate']));
  state.acl = state.acl.filter(({ role }) => role !== 'NetUse');
  for (const zone of zones) {
    state.acl.push({ path: `/sdn/zones/${zone}`, role: 'NetUse', who: user, propagate: true });
  }
}

async function uriOf(half: ReturnType<typeof networkHalf>): Promise<string> {
  const { exitCode, text } = await half.play(implement);
  assert.equal(exitCode, 0, text);
  const answer = JSON.parse(text) as Record<string, string>;
  assert.equal(answer['network.broadcast_domain_type'], 'Vswitch');
  return answer['network.broadcast_uri'] ?? '';
}

/** All NICs of the instance are in the network. */
function connect({ cloud }: ClusterScene, uri: string): void {
  cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, uri })) });
}

describe('both halves of proxmox', { concurrency: 4 }, () => {
  it(
    'deploy an instance on a vnet that no map names, and remove the vnet after it',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      const half = networkHalf(cluster);
      t.after(half.remove);
      allowNetworks(scene, 'cloud', 'localnetwork');
      const uri = await uriOf(half);
      const vnet = uri.slice(5);
      connect(scene, uri);
      await cloud.ok('create');
      const [vm] = [...cluster.state.vms.values()].filter(({ vmid }) => vmid !== 9000);
      assert.match(vm?.config.get('net0') ?? '', new RegExp(`bridge=${vnet}$`));
      assert.equal((await half.play(shutDown)).exitCode, 0);
      assert.ok(cluster.state.vnets.has(vnet), 'a machine names it');
      const refused = await half.play(destroy);
      assert.equal(refused.exitCode, 1);
      assert.equal(await uriOf(half), uri);
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.equal((await half.play(destroy)).exitCode, 0);
      assert.equal((await half.play(destroy)).exitCode, 0);
      assert.equal(cluster.state.vnets.size, 0);
    }, onPage),
  );

  it(
    'bring an instance to another vnet at its next start',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      const half = networkHalf(cluster);
      t.after(half.remove);
      allowNetworks(scene, 'cloud', 'localnetwork');
      const { nics } = cloud.vm;
      await cloud.deploy();
      await cloud.ok('stop');
      const uri = await uriOf(half);
      connect(scene, uri);
      await cloud.ok('start');
      assert.match(
        cluster.vm(10042).config.get('net0') ?? '',
        new RegExp(`bridge=${uri.slice(5)}$`),
      );
      await cloud.ok('stop');
      cloud.change({ nics });
      await cloud.ok('start');
      assert.match(cluster.vm(10042).config.get('net0') ?? '', /bridge=vmbr0,tag=/);
    }, onPage),
  );

  it(
    'refuse before anything is copied: no right on the vnet, no such vnet, and a bridge in its place',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      const half = networkHalf(cluster);
      t.after(half.remove);
      allowNetworks(scene, 'cloud', 'localnetwork');
      const uri = await uriOf(half);
      const refused = async (text: RegExp): Promise<void> => {
        const before = cluster.requests.filter(({ method }) => method !== 'GET').length;
        const { exitCode, text: answer } = await cloud.call('create');
        assert.equal(exitCode, 1);
        assert.match(answer, text);
        assert.equal(cluster.requests.filter(({ method }) => method !== 'GET').length, before);
      };
      connect(scene, 'vs://or000000');
      await refused(/shows the API token no bridge or vnet or000000/);
      connect(scene, 'vs://vmbr1');
      await refused(/network is vs:\/\/vmbr1, but vmbr1 is no vnet on pve1/);
      connect(scene, uri);
      allowNetworks(scene, 'localnetwork');
      await refused(/may not use or\w+.*It needs SDN\.Use/s);
    }, onPage),
  );

  it(
    'answer a network that cannot be made with a sentence, and CloudStack with a failure',
    inCluster(async ({ cluster }, t) => {
      const half = networkHalf(cluster, { sdn_zone: 'nosuch' });
      t.after(half.remove);
      const { exitCode, text } = await half.play(implement);
      assert.equal(exitCode, 1);
      assert.match(text, /sees no SDN zone nosuch; it sees cloud/);
    }, onPage),
  );
});

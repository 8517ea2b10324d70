import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeMark } from '../../src/kit/mark.ts';
import { type Cloud, installation } from './conformance-cloud.ts';
import type { Cluster } from './fakes/proxmox/index.ts';
import { inCluster } from './proxmox-scene.ts';

/** What another call has made of the description at that moment. */
function write(
  { vm: { uuid, name } }: Cloud,
  cluster: Cluster,
  state: 'building' | 'built',
  before = '',
): void {
  const mark = writeMark({
    ...{ uuid, name, installation, remoteId: '10042', state, origin: 'created' },
  });
  cluster.vm(10042).config.set('description', `${before}${mark}`);
}

const removing = 'Being removed\n';
/** The last write of a create comes after the one of its hardware. */
const lastWrite = { method: 'PUT', path: '/qemu/10042/config', skip: 1 } as const;

describe('two calls at one half-made machine', () => {
  it(
    'create does not report a machine that another call has begun to take away',
    inCluster(async ({ cloud, cluster }) => {
      const planted = cluster.faults.request({
        ...lastWrite,
        before: () => write(cloud, cluster, 'building', removing),
      });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(planted.hits, 1);
      assert.equal(exitCode, 1);
      assert.match(text, /Another call has begun to take machine 10042 away.*Try again/);
      assert.ok(!cluster.state.vms.has(10042), 'nothing is left');
    }),
  );

  it(
    'create marks its machine although somebody else wrote to it in between',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({
        ...lastWrite,
        before: () => void cluster.vm(10042).config.set('tags', 'prod'),
      });
      await cloud.ok('create');
      assert.match(cluster.vm(10042).config.get('description') ?? '', /"built"/);
    }),
  );

  it(
    'create takes away what a killed call had begun to take away, and makes another',
    inCluster(async ({ cloud, cluster, backend }) => {
      await cloud.ok('create');
      write(cloud, cluster, 'building', removing);
      await cloud.ok('create');
      const own = (await backend.machines()).filter(({ mark }) => mark.includes(cloud.vm.uuid));
      assert.deepEqual(
        own.map(({ power }) => power),
        ['on'],
      );
      assert.match(own[0]?.mark ?? '', /"built"/);
    }),
  );

  it(
    'stop switches off what another call has finished in this moment, and does not take it away',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.ok('create');
      write(cloud, cluster, 'building');
      cluster.faults.request({
        ...{ method: 'PUT', path: '/qemu/10042/config' },
        before: () => write(cloud, cluster, 'built'),
      });
      await cloud.ok('stop');
      assert.equal(cluster.vm(10042).power, 'stopped');
      assert.match(cluster.vm(10042).config.get('description') ?? '', /"built"/);
    }),
  );
});

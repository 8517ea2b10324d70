import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { type Cloud, installation } from '../../conformance/cloud.ts';
import { inCluster } from './scene.ts';

/** Writes the description as another call does at that moment. */
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

/** The answers to what is asked after a write whose own got lost. */
function losesReads({ faults }: Cluster): void {
  faults.request({ method: 'GET', path: '/qemu/10042/config', cut: 'before', times: 2 });
}

const removing = 'Being removed\n';
const byAnother = 'By another call\n';
/** The last write of a create comes after the one of its hardware. */
const lastWrite = { method: 'PUT', path: '/qemu/10042/config', skip: 1 } as const;

describe('two calls at work on one unfinished proxmox machine', () => {
  it(
    'create reports no machine that another call has begun to take away, and makes one of its own',
    inCluster(async ({ cloud, cluster }) => {
      const planted = cluster.faults.request({
        ...lastWrite,
        before: () => write(cloud, cluster, 'building', removing),
      });
      await cloud.ok('create');
      const clones = cluster.requests.filter(({ path }) => path.endsWith('/clone'));
      assert.deepEqual([planted.hits, clones.length], [1, 2]);
      const { mark, power } = await cloud.machine();
      assert.match(mark, /^(?!Being removed).*"built"/s);
      assert.equal(power, 'on');
    }),
  );

  it(
    'create marks its machine as built although a person wrote tags on it in between',
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
    'create leaves the machine that another call has finished while its own answer got lost',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({
        ...lastWrite,
        cut: 'before',
        before: () => {
          write(cloud, cluster, 'built', byAnother);
          losesReads(cluster);
        },
      });
      await cloud.ok('create');
      const { config, power } = cluster.vm(10042);
      assert.match(config.get('description') ?? '', /^By another call.*"built"/s);
      assert.equal(power, 'running');
    }),
  );

  it(
    'create finds its machine marked as built although the answer was lost, and succeeds',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({ ...lastWrite, cut: 'after', before: () => losesReads(cluster) });
      await cloud.ok('create');
      const { config, power } = cluster.vm(10042);
      assert.match(config.get('description') ?? '', /"built"/);
      assert.equal(power, 'running');
    }),
  );

  it(
    'create takes its machine away when no answer says whether it is marked as built, and it is not',
    inCluster(async ({ cloud, cluster }) => {
      const never = { ...lastWrite, cut: 'before', times: 100 } as const;
      cluster.faults.request({ ...never, before: () => losesReads(cluster) });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /broke off|connection/);
      assert.ok(!cluster.state.vms.has(10042), 'nothing is left');
    }),
  );

  it(
    'create leaves the words of another call that was faster to finish its machine',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({
        ...lastWrite,
        before: () => write(cloud, cluster, 'built', byAnother),
      });
      await cloud.ok('create');
      assert.match(cluster.vm(10042).config.get('description') ?? '', /^By another call/);
    }),
  );

  it(
    'create leaves the machine of another call built when its own answer gets lost',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.ok('create');
      write(cloud, cluster, 'building');
      cluster.faults.request({
        ...{ ...lastWrite, skip: 0, cut: 'after' },
        before: () => losesReads(cluster),
      });
      await cloud.ok('create');
      assert.match(cluster.vm(10042).config.get('description') ?? '', /"built"/);
    }),
  );

  it(
    'create has nothing to add when another call was faster to take its machine away',
    inCluster(async ({ cloud, cluster }) => {
      const answer = { status: 500, reason: 'no such thing', body: '' };
      cluster.faults.request({ method: 'PUT', path: '/resize', answer });
      const planted = cluster.faults.request({
        ...{ method: 'DELETE', path: '/qemu/10042' },
        before: () => void cluster.state.vms.delete(10042),
      });
      const { exitCode, text } = await cloud.call('create');
      assert.deepEqual([exitCode, planted.hits], [1, 1]);
      assert.match(text, /no such thing/);
      assert.doesNotMatch(text, /does not exist/);
    }),
  );

  it(
    'create removes the machine that a killed call had begun to remove, and makes another',
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
    'stop switches off the machine that another call has just finished, and does not remove it',
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

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientFor } from '../../../fakes/pve/client.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { installation } from '../../conformance/cloud.ts';
import { pageOptions, user } from './backend.ts';
import { type ClusterScene, inCluster, shown } from './scene.ts';

/** Sends the request for a copy that a create sent before it was killed; answers its task. */
async function beginCopy(
  { cluster, cloud }: ClusterScene,
  t: TestContext,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const client = clientFor(cluster, { token: `${user}!cs` });
  t.after(() => client.close());
  const { uuid, name } = cloud.vm;
  const mark = { uuid, name, installation, remoteId: '10042', origin: 'created' } as const;
  const description = writeMark({ ...mark, state: 'building' });
  const params = { newid: '10042', name, description, full: '0', ...more };
  const { data } = await client.call('POST', '/nodes/pve1/qemu/9000/clone', params);
  return String(data);
}

/** With the page's own rights the token sees a copy when it is finished and has come into the pool. */
function inPool({ cluster, configure }: ClusterScene): void {
  cluster.state.pools.get('cs')?.vms.add(9000);
  configure({ pool: 'cs' });
}

describe('proxmox and copies that do not show yet', { concurrency: 4 }, () => {
  for (const action of ['stop', 'delete'] as const) {
    it(
      `${action} waits for a copy that was accepted but has written nothing yet, and removes it`,
      inCluster(async (scene, t) => {
        const { cloud, cluster } = scene;
        cluster.state.durations['fork'] = 700;
        await beginCopy(scene, t);
        assert.deepEqual([...cluster.state.vms.keys()], [9000]);
        await cloud.ok(action, { state: 'Starting', deploying: true });
        assert.deepEqual(cluster.state.tasks.running(), []);
        await sleep(800);
        assert.deepEqual([...cluster.state.vms.keys()], [9000]);
      }),
    );
  }

  it(
    'stop sees the request of a killed create that was not taken up yet',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      await cloud.deploy();
      await cloud.ok('delete');
      const made = (): number =>
        cluster.state.tasks.all.filter(({ type }) => type === 'qmclone').length;
      const before = async (): Promise<void> => void (await beginCopy(scene, t));
      cluster.faults.request({ path: /^\/nodes\/pve1\/tasks$/, skip: 1, before });
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      assert.equal(made(), 2);
      assert.deepEqual([...cluster.state.vms.keys()], [9000]);
    }),
  );

  it(
    'stop finds a copy by the id that it has taken where the token sees none until it is finished',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      inPool(scene);
      cluster.state.durations['linkedclone'] = 60_000;
      await beginCopy(scene, t, { pool: 'cs' });
      await cluster.clock.advance(30_000);
      assert.ok(cluster.state.vms.has(10_042));
      const stopped = cloud.ok('stop', { state: 'Starting', deploying: true });
      await sleep(1000);
      assert.equal(cluster.state.tasks.running('qmclone').length, 1);
      await cluster.clock.advance(31_000);
      await stopped;
      assert.deepEqual([...cluster.state.vms.keys()], [9000]);
    }, pageOptions()),
  );

  it(
    'create makes no second machine beside a copy that the token does not see yet',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      inPool(scene);
      cluster.state.durations['linkedclone'] = 4000;
      await beginCopy(scene, t, { pool: 'cs' });
      await sleep(100);
      await cloud.deploy();
      assert.deepEqual([...cluster.state.vms.keys()].sort(), [10_042, 9000]);
      assert.equal(cluster.vm(10_042).power, 'running');
    }, pageOptions()),
  );

  it(
    'stop does not wait for the copies of other instances, and asks nothing more for one that is there',
    inCluster(async (scene, t) => {
      const { cloud, cluster } = scene;
      cluster.state.durations['linkedclone'] = 60_000;
      await beginCopy(scene, t, { newid: '10077', name: 'other', description: '' });
      await cluster.clock.advance(25_000);
      const startedMs = performance.now();
      await cloud.ok('stop');
      assert.ok(performance.now() - startedMs < 5000);
      assert.equal(cluster.state.tasks.running('qmclone').length, 1);
      await cluster.clock.advance(60_000);
      cluster.state.durations['linkedclone'] = 5;
      await cloud.deploy();
      const before = cluster.requests.length;
      await cloud.ok('stop');
      const lists = cluster.requests.slice(before).map(shown);
      assert.equal(lists.filter((each) => each === 'GET /nodes/pve1/tasks').length, 1);
    }),
  );
});

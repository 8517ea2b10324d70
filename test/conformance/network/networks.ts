import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NetworkSetUp } from './backend.ts';
import { inNetworkScene, type NetworkScene } from './cloud.ts';

const guest = { hostname: 'web1' };

/** The promises about networks of the remote system, for those that offer them. */
export function networkCases(setUp: NetworkSetUp): void {
  const on = (play: (scene: NetworkScene) => Promise<void>) =>
    inNetworkScene(setUp, 'isolated', async (scene, t) => {
      if (!scene.remote.offers.networks) return t.skip('the provider makes no networks');
      await play(scene);
    });

  it(
    'a network is made once, however often and by however many calls it is implemented',
    on(async ({ net, remote }) => {
      await Promise.all([1, 2, 3, 4].map(() => net.call('implement-network')));
      await net.implement();
      assert.equal((await remote.networks()).length, 1);
      assert.match(net.uri ?? '', /^[a-z]+:\/\/[A-Za-z0-9.-]+(\?[\x21-\x7e]*)?$/);
    }),
  );

  it(
    'two networks are two, and the end of one leaves the other',
    on(async ({ net, remote }) => {
      const other = net.another();
      await net.implement();
      await other.implement();
      assert.notEqual(net.uri, other.uri);
      await net.ok('shutdown-network');
      await net.ok('destroy-network');
      assert.equal((await remote.networks()).length, 1);
      await other.ok('destroy-network');
      assert.deepEqual(await remote.networks(), []);
    }),
  );

  it(
    'a network keeps its name over a shutdown, of which CloudStack remembers nothing',
    on(async ({ net }) => {
      await net.implement();
      const { uri } = net;
      await net.ok('shutdown-network');
      await net.implement();
      assert.equal(net.uri, uri);
    }),
  );

  it(
    'a network that a machine is on is kept at a shutdown, and cannot be destroyed',
    on(async ({ cloud, net, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', guest);
      await net.stop();
      await net.ok('shutdown-network');
      assert.equal((await remote.networks()).length, 1, 'a start needs no other one');
      assert.equal((await net.call('destroy-network')).exitCode, 1);
      await net.start('start', guest);
      await net.expunge();
      await net.ok('destroy-network');
      assert.deepEqual(await remote.networks(), []);
    }),
  );

  it(
    'a network under our name that carries no mark is neither used nor removed',
    on(async ({ net, remote }) => {
      await net.implement();
      const [id = ''] = await remote.networks();
      await net.ok('destroy-network');
      await remote.plant(id);
      assert.equal((await net.call('implement-network')).exitCode, 1);
      await net.ok('shutdown-network');
      await net.ok('destroy-network');
      assert.deepEqual(await remote.networks(), [id]);
    }),
  );

  it(
    'an outage fails implement-network, and the shutdown that follows succeeds afterwards',
    on(async ({ net, remote }) => {
      await remote.outage(true);
      assert.equal((await net.call('implement-network')).exitCode, 1);
      await remote.outage(false);
      await net.ok('shutdown-network');
      await net.implement();
      assert.equal((await remote.networks()).length, 1);
    }),
  );
}

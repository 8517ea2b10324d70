import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkSetUp } from './backend.ts';
import { inNetworkScene, type Kind, type NetworkScene } from './cloud.ts';
import { networkCases } from './networks.ts';

const kinds: readonly Kind[] = ['l2', 'shared', 'isolated'];
const guest = { hostname: 'web1', userData: '#cloud-config\n{}\n', publicKeys: 'ssh-ed25519 A a' };

/** The promises of a network half, in the orders in which a CloudStack 4.23 makes its calls. */
export function networkConformance(name: string, setUp: NetworkSetUp): void {
  describe(`${name} keeps the promises of a network half`, () => {
    for (const kind of kinds) describe(`on ${kind} networks`, () => lifeCases(setUp, kind));
    describe('about remote networks', () => networkCases(setUp));
  });
}

function lifeCases(setUp: NetworkSetUp, kind: Kind): void {
  const on = (play: (scene: NetworkScene) => Promise<void>) => inNetworkScene(setUp, kind, play);

  it(
    'an instance is deployed, stopped, started and expunged with its data',
    on(async ({ cloud, net, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', { ...guest, password: 'first' });
      const given = await remote.guest(cloud.vm.uuid);
      if (remote.offers.guests) {
        assert.equal(given?.userData, guest.userData);
        assert.deepEqual([given?.hostname, given?.publicKeys], ['web1', ['ssh-ed25519 A a']]);
        assert.equal(given?.password, 'first');
      }
      await net.stop();
      await net.start('start', guest);
      const again = await remote.guest(cloud.vm.uuid);
      assert.equal(again?.password, undefined, 'a password is handed over once');
      assert.equal(again?.instanceId, given?.instanceId, 'no second first boot');
      await cloud.ok('reboot');
      await net.expunge();
      assert.deepEqual(await remote.kept(), []);
      await net.ok('shutdown-network');
      await net.ok('destroy-network');
      assert.deepEqual(await remote.networks(), []);
    }),
  );

  it(
    'a password that was reset while the instance was stopped reaches it with the next start',
    inNetworkScene(setUp, kind, async ({ cloud, net, remote }, t) => {
      if (!remote.offers.guests) return;
      if (remote.noResets !== undefined) return t.skip(remote.noResets);
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', guest);
      await net.stop();
      await net.ok('save-password', { ...net.nic(), password: 'reset' });
      await net.ok('save-userdata', { ...net.nic(), userdata: 'the text from before' });
      await net.start('start', { ...guest, userData: '#new' });
      const given = await remote.guest(cloud.vm.uuid);
      assert.deepEqual([given?.password, given?.userData], ['reset', '#new']);
    }),
  );

  it(
    'a deployment whose create fails again and again ends with one machine when it succeeds',
    on(async ({ cloud, net, backend, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      for (let round = 0; round < 3; round += 1) {
        assert.equal((await net.prepareNic({ ...guest, password: 'first' })).exitCode, 0);
        await backend.outage(true);
        assert.equal((await cloud.call('create')).exitCode, 1);
        await backend.outage(false);
        await cloud.ok('stop', { state: 'Starting', deploying: true });
        await net.ok('release-nic', net.nic());
      }
      await net.start('create', { ...guest, password: 'first' });
      await cloud.machine();
      const given = await remote.guest(cloud.vm.uuid);
      if (remote.offers.guests) assert.equal(given?.password, 'first');
    }),
  );

  it(
    'a deployment whose save-vm-data fails is stopped before its create ever ran',
    on(async ({ cloud, net, backend, remote }) => {
      if (!remote.offers.guests) return;
      const before = (await backend.machines()).length;
      await net.implement();
      await cloud.ok('prepare');
      await remote.outage(true);
      assert.equal((await net.prepareNic(guest)).exitCode, 1);
      await remote.outage(false);
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      await net.ok('release-nic', net.nic());
      assert.equal((await backend.machines()).length, before);
      await net.start('create', guest);
    }),
  );

  it(
    'a network restart, with and without clean-up, leaves a running instance where it is',
    on(async ({ cloud, net, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', guest);
      const { uri } = net;
      const before = (await cloud.machine()).all;
      const restore = { restore_data: { userdata_enabled: true, vms: [] } };
      for (const cleanup of [false, true]) {
        if (cleanup) await net.ok('shutdown-network');
        await net.implement();
        await net.ok('restore-network', restore);
        assert.equal(net.uri, uri);
      }
      assert.equal((await cloud.machine()).all, before);
      if (remote.offers.guests) assert.equal((await remote.kept()).length, 1);
      await net.stop();
      await net.start('start', guest);
    }),
  );

  it(
    'a machine that was switched off and on behind CloudStack keeps its data for the next start',
    on(async ({ cloud, net, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', guest);
      // CloudStack has found it off: a stop, and the NIC is released. Found on, it calls neither half.
      await net.stop();
      await cloud.ok('start');
      await cloud.ok('reboot');
      const given = await remote.guest(cloud.vm.uuid);
      if (remote.offers.guests) assert.equal(given?.userData, guest.userData);
    }),
  );

  it(
    'another default NIC, with the data sent for every NIC once more, changes nothing of the machine',
    on(async ({ cloud, net, remote }) => {
      await net.implement();
      await cloud.ok('prepare');
      await net.start('create', { ...guest, password: 'first' });
      const before = (await cloud.machine()).all;
      const [first, second] = cloud.vm.nics.map(({ uuid, mac }) => ({ nic_uuid: uuid, mac }));
      await net.sendData({ ...second, default_nic: 'true', device_id: '0' }, guest);
      await net.sendData({ ...first, default_nic: 'false', device_id: '1' }, guest);
      assert.equal((await cloud.machine()).all, before);
      await cloud.ok('stop');
      await cloud.ok('start');
      const given = await remote.guest(cloud.vm.uuid);
      if (remote.offers.guests) assert.equal(given?.userData, guest.userData);
    }),
  );

  it(
    'what was never made ends well, and a command without what it needs is refused at once',
    on(async ({ net }) => {
      for (const command of ['shutdown-network', 'destroy-network', 'release-nic']) {
        await net.ok(command, net.nic());
      }
      await net.ok('remove-dhcp-entry', { nic_id: '1', mac: '02:00:00:00:00:01', ip: '' });
      assert.equal((await net.call('save-vm-data', { nic_uuid: 'x' })).exitCode, 1);
    }),
  );
}

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Mark } from '../../src/contract/machine.ts';
import { readMark } from '../../src/lifecycle/mark.ts';
import type { SetUp } from './backend.ts';
import { has, inScene } from './cloud.ts';
import { assertHardware, markOf } from './machine.ts';

export function createCases(setUp: SetUp): void {
  it(
    'prepare hands back only texts and NICs that CloudStack can match',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!provider.prepares) return t.skip(`${provider.name} needs no prepare`);
      const { document } = await cloud.ok('prepare');
      const { details = {}, nics = [] } = document as {
        details?: Record<string, unknown>;
        nics?: Record<string, unknown>[];
      };
      for (const [key, value] of Object.entries(details)) {
        assert.equal(typeof value, 'string', `detail ${key}`);
        assert.ok(provider.stored[key] !== undefined, `${key} is described as stored`);
      }
      const known = new Set(cloud.vm.nics.map(({ uuid }) => uuid));
      for (const nic of nics) {
        assert.ok(known.has(String(nic['nicUuid'])));
        assert.equal(nic['uuid'], undefined);
      }
    }),
  );

  it(
    'prepare makes nothing and may be repeated',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!provider.prepares) return t.skip(`${provider.name} needs no prepare`);
      const { traceless } = backend.lacks;
      if (traceless !== undefined) return t.skip(`traceless: ${traceless}`);
      const before = await backend.machines();
      await cloud.ok('prepare');
      await cloud.ok('prepare');
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'create ends with a machine that runs, wired and sized as the payload says',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const machine = await cloud.machine();
      assert.equal(machine.power, 'on');
      assertHardware(machine, cloud);
    }),
  );

  it(
    'create leaves a mark that names the instance and the machine itself',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const machine = await cloud.machine();
      const expected = markOf(cloud)(machine.remoteId);
      assert.deepEqual(readMark(machine.mark), expected);
    }),
  );

  it(
    'create works although nothing was prepared',
    inScene(setUp, async ({ cloud }) => {
      await cloud.ok('create');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'a second create finds the machine of the first and leaves it as it is',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      const first = await cloud.machine();
      await cloud.ok('create');
      assert.deepEqual((await cloud.machine()).remoteId, first.remoteId);
      assert.equal((await cloud.machine()).disk, first.disk);
      assert.equal((await backend.machines()).filter(({ mark }) => mark !== '').length, 1);
    }),
  );

  it(
    'a create of an instance whose machine is there and off ends with it running',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { remoteId, disk } = await cloud.machine();
      await cloud.ok('stop');
      await cloud.ok('create');
      const machine = await cloud.machine();
      assert.deepEqual([machine.remoteId, machine.power], [remoteId, 'on']);
      assert.equal(machine.disk, disk);
    }),
  );

  it(
    'two creates at the same time make one machine, and both succeed',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'taskMs')) return;
      await backend.taskMs(150);
      await Promise.all([cloud.ok('create'), cloud.ok('create')]);
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'create finishes what a killed create left behind, without a second machine',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await cloud.ok('create');
      const machine = await cloud.machine();
      assert.equal(machine.power, 'on');
      assertHardware(machine, cloud);
      assert.equal((readMark(machine.mark) as Mark).state, 'built');
    }),
  );

  it(
    'a create that fails leaves nothing behind',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'failTasks')) return;
      const before = await backend.machines();
      await backend.failTasks(true);
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'a create that fails takes away what an earlier, killed create left behind',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'failTasks')) return;
      const before = await backend.machines();
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await backend.failTasks(true);
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'a create that is refused takes away what an earlier, killed create left behind',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'fill')) return;
      const before = await backend.machines();
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await backend.fill(true);
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'create and start refuse a NIC on a network that cannot be mapped, rather than leave it untagged',
    inScene(setUp, async ({ cloud, backend }, t) => {
      const { segments } = backend.lacks;
      if (segments !== undefined) return t.skip(`segments: ${segments}`);
      const { nics } = cloud.vm;
      const strange = nics.map((nic) =>
        nic.deviceId === 0 ? { ...nic, uri: 'vxlan://5001' } : nic,
      );
      const before = await backend.machines();
      cloud.change({ nics: strange });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
      cloud.change({ nics });
      await cloud.deploy();
      await cloud.ok('stop');
      cloud.change({ nics: strange });
      assert.equal((await cloud.call('start')).exitCode, 1);
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'create refuses before it makes anything when the system lacks capacity',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'fill')) return;
      await backend.fill(true);
      const before = await backend.machines();
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
      await backend.fill(false);
      await cloud.ok('create');
    }),
  );
}

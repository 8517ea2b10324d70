import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Mark } from '../../src/kit/mark.ts';
import { readMark } from '../../src/kit/mark.ts';
import type { RemoteMachine, SetUp } from './conformance-backend.ts';
import { type Cloud, has, inScene, installation, knows } from './conformance-cloud.ts';
import { system } from './payloads.ts';

/** What a machine has to look like for what CloudStack knows of the instance. */
export function assertHardware(machine: RemoteMachine, { vm }: Cloud): void {
  assert.equal(machine.cpus, vm.cpus);
  assert.equal(machine.memoryMb, vm.memoryMb);
  const wanted = [...vm.nics].sort((a, b) => a.deviceId - b.deviceId);
  assert.deepEqual(
    machine.nics,
    wanted.map(({ mac, vlan }) => ({ mac, vlan })),
  );
}

/** A mark of the instance as a create leaves it that was killed in the middle, or as finished. */
export function markOf({ vm }: Cloud, more: Partial<Mark> = {}): (remoteId: string) => Mark {
  return (remoteId) => ({
    uuid: vm.uuid,
    name: vm.name,
    installation,
    remoteId,
    state: 'built',
    origin: 'created',
    ...more,
  });
}

export function lifecycleCases(setUp: SetUp): void {
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
    'create refuses before it makes anything when there is no room',
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

  it(
    'start brings NICs, CPUs and memory to what the payload says',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      cloud.change({
        cpus: 4,
        memoryMb: 2048,
        nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2000 + nic.deviceId })),
      });
      await cloud.ok('start');
      const machine = await cloud.machine();
      assert.equal(machine.power, 'on');
      assertHardware(machine, cloud);
    }),
  );

  it(
    'start takes away a NIC that the instance no longer has',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      cloud.change({ nics: cloud.vm.nics.slice(0, 1) });
      await cloud.ok('start');
      assertHardware(await cloud.machine(), cloud);
    }),
  );

  it(
    'a second start succeeds and changes nothing',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      await cloud.ok('start');
      const { all } = await cloud.machine();
      await cloud.ok('start');
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'start never leaves a machine running on other NICs than the payload says',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 3000 })) });
      const { exitCode } = await cloud.call('start');
      const machine = await cloud.machine();
      // Either it was brought up to date or nobody was told that it was.
      if (exitCode === 0) assertHardware(machine, cloud);
      else assert.deepEqual(machine.nics[0]?.vlan, 1577);
    }),
  );

  it(
    'start finishes nothing that is not built',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      assert.equal((await cloud.call('start')).exitCode, 1);
      const machine = await cloud.machine();
      assert.equal(machine.power, 'off');
      assert.equal((readMark(machine.mark) as Mark).state, 'building');
    }),
  );

  it(
    'start of a machine that is missing fails',
    inScene(setUp, async ({ cloud, backend }) => {
      const before = await backend.machines();
      assert.equal((await cloud.call('start')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'stop ends with a machine that is off, and twice is as good as once',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      assert.equal((await cloud.machine()).power, 'off');
      await cloud.ok('stop');
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'stop of a machine that was never made succeeds twice',
    inScene(setUp, async ({ cloud }) => {
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      await cloud.ok('stop', { state: 'Starting', deploying: true });
    }),
  );

  it(
    'stop after a failed create removes what is still being built',
    inScene(setUp, async ({ cloud, backend }) => {
      const before = await backend.machines();
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'stop never removes a machine that is built, whatever the tenant wrote into his details',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { disk } = await cloud.machine();
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      assert.equal((await cloud.machine()).power, 'off');
      assert.equal((await cloud.machine()).disk, disk);
    }),
  );

  it(
    'a stop that somebody asked for gives the guest its grace and then cuts the power',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'ignoreShutdown')) return;
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      await backend.ignoreShutdown(true);
      const startedMs = performance.now();
      await cloud.ok('stop', { host: { grace_seconds: '1' } });
      assert.ok(performance.now() - startedMs >= 990, 'the grace was given');
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a grace longer than the time that is left still ends with the power cut',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'ignoreShutdown')) return;
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      await backend.ignoreShutdown(true);
      await cloud.ok('stop', { host: { grace_seconds: '60' }, timeoutSeconds: 2 });
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a stop from the power sync or after a failed start does not wait for the guest',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'ignoreShutdown')) return;
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      await backend.ignoreShutdown(true);
      const startedMs = performance.now();
      await cloud.ok('stop', { state: 'Running', caller: system, host: { grace_seconds: '10' } });
      assert.ok(performance.now() - startedMs < 5_000, 'nobody waited');
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'stop leaves memory that was saved to disk alone',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'setPower')) return;
      await cloud.deploy();
      await backend.setPower((await cloud.machine()).remoteId, 'saved');
      const { all } = await cloud.machine();
      await cloud.call('stop', { state: 'Running', caller: system });
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'reboot ends with a machine that runs',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const before = await cloud.machine();
      await cloud.ok('reboot');
      const after = await cloud.machine();
      assert.equal(after.power, 'on');
      assert.equal(after.disk, before.disk);
    }),
  );

  it(
    'reboot of a machine that is off fails and leaves it off',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      assert.equal((await cloud.call('reboot')).exitCode, 1);
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'delete removes the machine, and twice is as good as once',
    inScene(setUp, async ({ cloud, backend }) => {
      const before = await backend.machines();
      await cloud.deploy();
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.deepEqual(await backend.machines(), before);
      await cloud.ok('delete');
    }),
  );

  it(
    'delete of a machine that runs or is half-made removes it too',
    inScene(setUp, async ({ cloud, backend }) => {
      const before = await backend.machines();
      await cloud.deploy();
      await cloud.ok('delete');
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      await cloud.ok('delete');
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'stop and delete of a machine that was removed behind our back succeed twice',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.removeBehind((await cloud.machine()).remoteId);
      for (const action of ['stop', 'stop', 'delete', 'delete']) await cloud.ok(action);
    }),
  );

  it(
    'delete respects the machine’s own guard against removal',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'protect')) return;
      await cloud.deploy();
      await cloud.ok('stop');
      await backend.protect((await cloud.machine()).remoteId);
      const { all } = await cloud.machine();
      assert.equal((await cloud.call('delete')).exitCode, 1);
      assert.equal((await cloud.machine()).all, all);
    }),
  );
}

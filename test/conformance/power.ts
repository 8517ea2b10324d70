import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Mark } from '../../src/contract/machine.ts';
import { readMark } from '../../src/lifecycle/mark.ts';
import { system } from '../support/payloads.ts';
import type { SetUp } from './backend.ts';
import { has, inScene, knows } from './cloud.ts';
import { assertHardware, markOf } from './machine.ts';

export function powerCases(setUp: SetUp): void {
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
      // Either the machine has the new hardware or the start reports a failure.
      if (exitCode === 0) assertHardware(machine, cloud);
      else assert.deepEqual(machine.nics[0]?.vlan, 1577);
    }),
  );

  it(
    'start does not finish a machine that is still being built',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      assert.equal((await cloud.call('start')).exitCode, 1);
      const machine = await cloud.machine();
      assert.equal(machine.power, 'off');
      assert.equal((readMark(machine.mark) as Mark).state, 'building');
    }),
  );

  it(
    'start, reboot and the console of a machine that is missing fail',
    inScene(setUp, async ({ cloud, backend }) => {
      const before = await backend.machines();
      for (const action of ['start', 'reboot', 'getconsole']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'stop ends with a machine that is off, and a second stop succeeds too',
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
    'stop never removes a machine that is built, even when the tenant’s details contain deployvm',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { disk } = await cloud.machine();
      await cloud.ok('stop', { state: 'Starting', deploying: true });
      assert.equal((await cloud.machine()).power, 'off');
      assert.equal((await cloud.machine()).disk, disk);
    }),
  );

  it(
    'a stop by a user gives the guest the shutdown timeout and then cuts the power',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'ignoreShutdown')) return;
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      await backend.ignoreShutdown(true);
      const startedMs = performance.now();
      await cloud.ok('stop', { host: { grace_seconds: '1' } });
      assert.ok(performance.now() - startedMs >= 990, 'the guest had the shutdown timeout');
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a stop by a user ends as soon as the guest has shut down',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      const startedMs = performance.now();
      await cloud.ok('stop', { host: { grace_seconds: '60' }, timeoutSeconds: 60 });
      assert.ok(
        performance.now() - startedMs < 20_000,
        'the stop does not wait for a guest that is down',
      );
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a stop cuts the power even when the shutdown timeout is longer than the time that is left',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'ignoreShutdown')) return;
      if (!knows(t, provider, { settings: ['grace_seconds'] })) return;
      await cloud.deploy();
      await backend.ignoreShutdown(true);
      await cloud.ok('stop', { host: { grace_seconds: '60' }, timeoutSeconds: 4 });
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
      assert.ok(performance.now() - startedMs < 5_000, 'the stop did not wait');
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
    'reboot ends with a machine that runs, and was started once more',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'boots')) return;
      await cloud.deploy();
      const before = await cloud.machine();
      const boots = await backend.boots(before.remoteId);
      await cloud.ok('reboot');
      const after = await cloud.machine();
      assert.equal(after.power, 'on');
      assert.equal(after.disk, before.disk);
      assert.notEqual(await backend.boots(after.remoteId), boots, 'it was not restarted');
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
    'delete removes the machine, and a second delete succeeds too',
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
    'delete removes a machine that runs or is only partly made, too',
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
    'stop and delete of a machine that was removed outside of CloudStack succeed twice',
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

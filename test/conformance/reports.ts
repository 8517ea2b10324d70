import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Done } from '../support/world.ts';
import type { SetUp } from './backend.ts';
import { has, inScene, knows } from './cloud.ts';
import { markOf } from './machine.ts';

/** The words of a `statuses` answer by instance name. */
function report({ document }: Done): Readonly<Record<string, string>> {
  return document['power_state'] as Record<string, string>;
}

function word({ document }: Done): unknown {
  return document['power_state'];
}

export function reportCases(setUp: SetUp): void {
  it(
    'status says PowerOn for a machine that runs and PowerOff for one that does not',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      assert.equal(word(await cloud.ok('status')), 'PowerOn');
      await cloud.ok('stop');
      assert.equal(word(await cloud.ok('status')), 'PowerOff');
    }),
  );

  it(
    'status of a machine proved missing fails and says so',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.removeBehind((await cloud.machine()).remoteId);
      const done = await cloud.call('status');
      assert.equal(done.exitCode, 1);
      assert.equal(word(done), undefined);
      assert.match(done.text, new RegExp(cloud.vm.name));
    }),
  );

  for (const state of ['paused', 'suspended'] as const) {
    it(
      `a machine that is ${state} in memory counts as on`,
      inScene(setUp, async ({ cloud, backend }, t) => {
        if (!has(t, backend, 'setPower')) return;
        await cloud.deploy();
        await backend.setPower((await cloud.machine()).remoteId, state);
        assert.equal(word(await cloud.ok('status')), 'PowerOn');
        assert.equal(report(await cloud.ok('statuses'))[cloud.vm.name], 'PowerOn');
      }),
    );
  }

  it(
    'a machine whose memory is saved to disk never counts as off',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'setPower')) return;
      await cloud.deploy();
      await backend.setPower((await cloud.machine()).remoteId, 'saved');
      assert.notEqual(word(await cloud.call('status')), 'PowerOff');
      const reported = report(await cloud.call('statuses')) ?? {};
      assert.notEqual(reported[cloud.vm.name], 'PowerOff');
    }),
  );

  it(
    'a machine that is still being built never counts as off',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      assert.notEqual(word(await cloud.call('status')), 'PowerOff');
    }),
  );

  it(
    'status and statuses change nothing',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      const before = await backend.machines();
      await cloud.ok('status');
      await cloud.call('statuses');
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'statuses lists this installation’s instances by name and nothing else',
    inScene(setUp, async ({ cloud, backend }) => {
      const other = cloud.another();
      await cloud.deploy();
      await other.deploy();
      await other.ok('stop');
      const alien = cloud.another();
      alien.change({ name: 'i-9-9-VM', uuid: '99999999-0e57-4a8b-a8d5-4c4f6d6a7b10' });
      const mark = markOf(alien, { installation: 'another-cloud' });
      await backend.plant({ name: alien.vm.name, mark });
      const done = await cloud.ok('statuses');
      assert.deepEqual(report(done), { [cloud.vm.name]: 'PowerOn', [other.vm.name]: 'PowerOff' });
    }),
  );

  it(
    'statuses names a machine after its instance, even when an operator has renamed it',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: 'renamed-by-hand', mark: markOf(cloud), power: 'on' });
      const done = await cloud.ok('statuses');
      assert.deepEqual(report(done), { [cloud.vm.name]: 'PowerOn' });
      assert.equal(word(await cloud.ok('status')), 'PowerOn');
    }),
  );

  it(
    'statuses leaves out an instance whose machine is missing',
    inScene(setUp, async ({ cloud, backend }) => {
      const other = cloud.another();
      await cloud.deploy();
      await other.deploy();
      await backend.removeBehind((await cloud.machine()).remoteId);
      const done = await cloud.ok('statuses');
      assert.deepEqual(report(done), { [other.vm.name]: 'PowerOn' });
    }),
  );

  it(
    'statuses fails where no machine carries the installation’s mark, which may be the wrong system',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.removeBehind((await cloud.machine()).remoteId);
      assert.equal((await cloud.call('statuses')).exitCode, 1);
    }),
  );

  it(
    'a machine of the instance’s name without a mark is not left out, since that would stop it',
    inScene(setUp, async ({ cloud, backend }) => {
      await backend.plant({ name: cloud.vm.name, power: 'on' });
      const done = await cloud.ok('statuses');
      assert.deepEqual(report(done), { [cloud.vm.name]: 'PowerUnknown' });
    }),
  );

  it(
    'two machines of one instance are reported as unknown',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud) });
      assert.equal(word(await cloud.ok('status')), 'PowerUnknown');
      const done = await cloud.ok('statuses');
      assert.equal(report(done)[cloud.vm.name], 'PowerUnknown');
    }),
  );

  it(
    'a machine whose state cannot be read counts neither as off nor as gone',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'damage')) return;
      const other = cloud.another();
      await cloud.deploy();
      await other.deploy();
      await backend.damage((await cloud.machine()).remoteId);
      const before = await backend.machines();
      assert.notEqual(word(await cloud.call('status')), 'PowerOff');
      for (const action of ['stop', 'delete', 'create']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      const reported = report(await cloud.call('statuses'));
      if (reported !== undefined) assert.equal(reported[cloud.vm.name], 'PowerUnknown');
      assert.equal(word(await other.ok('status')), 'PowerOn');
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'in an outage nothing counts as off, and of 300 status calls only a few reach the system',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.outage(true);
      for (let call = 0; call < 300; call += 1) {
        const done = await cloud.call('status');
        assert.equal(done.exitCode, 1);
        assert.equal(word(done), undefined);
      }
      assert.equal((await cloud.call('statuses')).exitCode, 1);
      const reached = await backend.callsDuringOutage();
      assert.ok(reached >= 1 && reached <= 10, `${reached} calls reached the system`);
      await backend.outage(false);
    }),
  );

  it(
    'in an outage stop and delete fail rather than take the machine for gone',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      const { all } = await cloud.machine();
      await backend.outage(true);
      for (const action of ['stop', 'delete', 'start', 'reboot', 'create']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      await backend.outage(false);
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'a system that has no such API is no proof that a machine is missing',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'elsewhereApi')) return;
      await cloud.deploy();
      const { all } = await cloud.machine();
      await backend.elsewhereApi(true);
      for (const action of ['status', 'stop', 'delete']) {
        const { exitCode, text } = await cloud.call(action);
        assert.equal(exitCode, 1, action);
        assert.doesNotMatch(text, /There is no machine of/, action);
      }
      await backend.elsewhereApi(false);
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'without the right to see machines nothing counts as off or gone',
    inScene(setUp, async ({ cloud, backend }) => {
      await cloud.deploy();
      const before = await backend.machines();
      await backend.withdrawRights(true);
      const status = await cloud.call('status');
      assert.ok(status.exitCode === 1 || word(status) === 'PowerUnknown', status.text);
      assert.equal((await cloud.call('statuses')).exitCode, 1);
      for (const action of ['stop', 'delete', 'create', 'start']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      await backend.withdrawRights(false);
      assert.deepEqual(await backend.machines(), before);
      assert.equal(
        word(await cloud.call('status')),
        'PowerOn',
        'rights are back but status still fails: was a `denied` failure thrown with `outage: true`?',
      );
    }),
  );

  it(
    'a machine that moved to a node without a host of its own is reported by its home host',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'move') || !has(t, backend, 'elsewhere')) return;
      if (!knows(t, provider, { settings: ['nodes', 'other_nodes'] })) return;
      await cloud.deploy();
      const { remoteId } = await cloud.machine();
      await backend.move(remoteId, backend.elsewhere.node);
      assert.equal(report(await cloud.ok('statuses'))[cloud.vm.name], 'PowerOn');
    }),
  );

  it(
    'a machine that moved to another host’s node is left to that host',
    inScene(setUp, async ({ cloud, backend, provider }, t) => {
      if (!has(t, backend, 'move') || !has(t, backend, 'elsewhere')) return;
      if (!knows(t, provider, { settings: ['nodes', 'other_nodes'] })) return;
      const { node, details } = backend.elsewhere;
      await cloud.deploy();
      await backend.move((await cloud.machine()).remoteId, node);
      const here = await cloud.ok('statuses', { host: { other_nodes: node } });
      assert.deepEqual(report(here), {});
      const there = await cloud.ok('statuses', { from: details });
      assert.deepEqual(report(there), { [cloud.vm.name]: 'PowerOn' });
    }),
  );

  it(
    'a machine that moved is still stopped, started and deleted from any host',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'move') || !has(t, backend, 'elsewhere')) return;
      const before = await backend.machines();
      await cloud.deploy();
      await backend.move((await cloud.machine()).remoteId, backend.elsewhere.node);
      for (const action of ['stop', 'start', 'stop', 'delete']) await cloud.ok(action);
      assert.deepEqual(await backend.machines(), before);
    }),
  );
}

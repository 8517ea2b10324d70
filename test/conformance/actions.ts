import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as v from 'valibot';
import { namesOf } from '../../src/cloudstack/custom.ts';
import { plainName } from '../../src/kit/plain-name.ts';
import { admin, alice } from '../support/payloads.ts';
import type { SetUp } from './backend.ts';
import { has, inScene, knows } from './cloud.ts';
import { assertHardware, markOf, parametersFor } from './machine.ts';

const snapshotActions = ['ListSnapshots', 'CreateSnapshot', 'RestoreSnapshot', 'DeleteSnapshot'];
const forUsers = [...snapshotActions, 'GetIpAddresses', 'Reset'];
const snap = { snap_name: 'before-upgrade' };

export function actionCases(setUp: SetUp): void {
  it(
    'a parameter that is required has an example, which is one that is accepted',
    inScene(setUp, async ({ provider }) => {
      for (const [name, { parameters }] of Object.entries(provider.actions)) {
        for (const [key, { required, example, schema }] of Object.entries(parameters)) {
          if (required !== true) continue;
          assert.ok(example !== undefined, `${key} of ${name} has no example`);
          assert.ok(v.is(schema(), example), `${key} of ${name} refuses its example`);
        }
      }
    }),
  );

  it(
    'no two actions, and no two parameters of one, have names that people take for the same',
    inScene(setUp, async ({ provider }) => {
      const actions = Object.entries(provider.actions);
      const sets = [
        actions.map(([name]) => name),
        ...actions.map(([, { parameters }]) => [
          'confirm',
          ...Object.entries(parameters).flatMap(([key, each]) => namesOf(key, each)),
        ]),
      ];
      for (const names of sets) {
        assert.equal(new Set(names.map(plainName)).size, names.length, names.join(', '));
      }
    }),
  );

  it(
    'every action that is defined has a handler, and only one that says so throws data away',
    inScene(setUp, async ({ cloud, provider }) => {
      await cloud.deploy();
      for (const [name, { destroysData = false }] of Object.entries(provider.actions)) {
        const { disk } = await cloud.machine();
        const { text } = await cloud.custom(name, parametersFor(cloud, provider, name), {
          caller: admin,
        });
        assert.doesNotMatch(text, /should not happen/, name);
        if (!destroysData) assert.equal((await cloud.machine()).disk, disk, name);
      }
    }),
  );

  it(
    'users may run snapshots, addresses and reset, and administrators everything',
    inScene(setUp, async ({ provider }) => {
      for (const [name, { roles }] of Object.entries(provider.actions)) {
        assert.ok(roles.includes('Admin'), `${name} for administrators`);
        assert.equal(roles.includes('User'), forUsers.includes(name), `${name} for users`);
      }
    }),
  );

  it(
    'actions for administrators are refused to users and to callers without a name',
    inScene(setUp, async ({ cloud, provider }) => {
      await cloud.deploy();
      const { all } = await cloud.machine();
      for (const [name, { roles }] of Object.entries(provider.actions)) {
        if (roles.includes('User')) continue;
        for (const caller of [alice, 'unnamed' as const]) {
          const parameters = parametersFor(cloud, provider, name);
          assert.equal((await cloud.custom(name, parameters, { caller })).exitCode, 1, name);
        }
      }
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'actions for users work for users and for callers without a name',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: ['ListSnapshots'] })) return;
      await cloud.deploy();
      await cloud.okCustom('ListSnapshots', undefined, { caller: alice });
      await cloud.okCustom('ListSnapshots', undefined, { caller: 'unnamed' });
    }),
  );

  it(
    'an unknown action fails and says which ones there are',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { all } = await cloud.machine();
      assert.equal((await cloud.custom('NoSuchAction', {}, { caller: admin })).exitCode, 1);
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'no action does anything for an instance without a machine',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      const before = await backend.machines();
      for (const name of Object.keys(provider.actions)) {
        const parameters = parametersFor(cloud, provider, name);
        const { exitCode } = await cloud.custom(name, parameters, { caller: admin });
        assert.equal(exitCode, 1, name);
      }
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'no action does anything to a machine that is still being built',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      await backend.plant({ name: cloud.vm.name, mark: markOf(cloud, { state: 'building' }) });
      const before = await backend.machines();
      for (const name of Object.keys(provider.actions)) {
        await cloud.custom(name, parametersFor(cloud, provider, name), { caller: admin });
      }
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'an action that throws data away is refused unless the caller names the instance',
    inScene(setUp, async ({ cloud, provider }, t) => {
      const names = Object.keys(provider.actions).filter(
        (name) => provider.actions[name]?.destroysData === true,
      );
      if (names.length === 0) return t.skip(`${provider.name} has no action that throws data away`);
      await cloud.deploy();
      const { all } = await cloud.machine();
      for (const name of names) {
        const given = parametersFor(cloud, provider, name);
        const { confirm: _, ...without } = given;
        const wrong = { ...given, confirm: 'i-2-43-VM' };
        for (const parameters of [without, wrong]) {
          const { exitCode } = await cloud.custom(name, parameters, { caller: admin });
          assert.equal(exitCode, 1, name);
        }
        assert.equal((await cloud.machine()).all, all);
      }
    }),
  );

  it(
    'ShowErrors gives the reasons that the interface leaves out, also for an instance without a machine',
    inScene(setUp, async ({ cloud }) => {
      const failed = await cloud.call('reboot');
      assert.equal(failed.exitCode, 1);
      const { text } = await cloud.okCustom('ShowErrors', {}, { caller: alice });
      assert.match(text, /This instance has no machine/);
      assert.ok(text.includes(String(failed.document['ref'])));
    }),
  );

  it(
    'Reinstall makes the disk anew and keeps NICs, size and mark',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { actions: ['Reinstall'] })) return;
      const { reinstall } = backend.lacks;
      if (reinstall !== undefined) return t.skip(reinstall);
      const { usesBlueprint } = provider.actions['Reinstall'] ?? {};
      assert.equal(usesBlueprint, true, 'what it is made from is what the instance chose');
      await cloud.deploy();
      await backend.changeDisk?.((await cloud.machine()).remoteId);
      const before = await cloud.machine();
      const parameters = { confirm: cloud.vm.name };
      await cloud.okCustom('Reinstall', parameters, { caller: admin });
      const after = await cloud.machine();
      assertHardware(after, cloud);
      assert.equal(after.mark, before.mark);
      assert.equal(after.power, 'on');
      if (before.disk !== undefined) assert.notEqual(after.disk, before.disk);
    }),
  );

  it(
    'a snapshot is made, listed and removed',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions })) return;
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { ...snap, snap_description: 'two words' });
      const listed = await cloud.okCustom('ListSnapshots');
      assert.match(listed.text, /before-upgrade/);
      assert.equal(listed.document['printmessage'], true);
      await cloud.okCustom('DeleteSnapshot', snap);
      assert.doesNotMatch((await cloud.okCustom('ListSnapshots')).text, /before-upgrade/);
    }),
  );

  it(
    'no parameter that is required has another name, since CloudStack demands the registered one',
    inScene(setUp, async ({ provider }) => {
      for (const [name, { parameters }] of Object.entries(provider.actions)) {
        for (const [key, { required, also }] of Object.entries(parameters)) {
          assert.ok(required !== true || also === undefined, `${key} of ${name}`);
        }
      }
    }),
  );

  it(
    'a snapshot name that is taken, missing, hostile or unknown is refused',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions })) return;
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', snap);
      const { all } = await cloud.machine();
      const hostile = ['', '../x', 'a b', 'x\ny', '$(id)', 'a"; b', 'x'.repeat(300)];
      for (const snap_name of ['before-upgrade', ...hostile]) {
        const { exitCode } = await cloud.custom('CreateSnapshot', { snap_name });
        assert.equal(exitCode, 1, JSON.stringify(snap_name));
      }
      assert.equal((await cloud.custom('CreateSnapshot', {})).exitCode, 1);
      for (const name of ['RestoreSnapshot', 'DeleteSnapshot']) {
        assert.equal((await cloud.custom(name, { snap_name: 'never-made' })).exitCode, 1, name);
      }
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'an instance cannot have more snapshots than the operator allows',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions, settings: ['max_snapshots'] })) return;
      await cloud.deploy();
      const options = { host: { max_snapshots: '2' } };
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' }, options);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'two' }, options);
      const third = { snap_name: 'three' };
      assert.equal((await cloud.custom('CreateSnapshot', third, options)).exitCode, 1);
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' }, options);
      await cloud.okCustom('CreateSnapshot', third, options);
    }),
  );

  it(
    'memory is saved only where the operator allows it',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions, settings: ['snapshot_memory'] })) return;
      await cloud.deploy();
      const parameters = { ...snap, snap_save_memory: true };
      assert.equal((await cloud.custom('CreateSnapshot', parameters)).exitCode, 1);
      await cloud.okCustom('CreateSnapshot', parameters, { host: { snapshot_memory: 'true' } });
    }),
  );

  it(
    'restoring a snapshot brings the disk back and keeps today’s NICs, size and mark',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { actions: snapshotActions })) return;
      if (!has(t, backend, 'changeDisk')) return;
      await cloud.deploy();
      const old = await cloud.machine();
      await cloud.okCustom('CreateSnapshot', snap);
      await cloud.ok('stop');
      const nics = cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2100 + nic.deviceId }));
      cloud.change({ cpus: 3, memoryMb: 3072, nics });
      await cloud.ok('start');
      await backend.changeDisk(old.remoteId);
      const { disk, mark } = await cloud.machine();
      assert.notEqual(disk, old.disk);
      await cloud.okCustom('RestoreSnapshot', snap);
      const restored = await cloud.machine();
      assert.equal(restored.disk, old.disk);
      assertHardware(restored, cloud);
      assert.equal(restored.mark, mark);
    }),
  );

  it(
    'restoring a snapshot of a running instance ends with it running',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions })) return;
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', snap);
      await cloud.okCustom('RestoreSnapshot', snap);
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'restoring a snapshot never starts an instance that is stopped, since its network may be gone',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: snapshotActions })) return;
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', snap);
      await cloud.ok('stop');
      await cloud.okCustom('RestoreSnapshot', snap);
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'Suspend and Resume keep the instance on for CloudStack',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: ['Suspend', 'Resume'] })) return;
      await cloud.deploy();
      for (const [name, powers] of Object.entries({
        Suspend: ['paused', 'suspended'],
        Resume: ['on'],
      })) {
        await cloud.okCustom(name, undefined, { caller: admin });
        assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn', name);
        assert.ok(powers.includes((await cloud.machine()).power), name);
      }
    }),
  );

  it(
    'Reset ends with the instance running, and fails for one that is off',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { actions: ['Reset'] })) return;
      await cloud.deploy();
      await cloud.okCustom('Reset');
      assert.equal((await cloud.machine()).power, 'on');
      await cloud.ok('stop');
      assert.equal((await cloud.custom('Reset')).exitCode, 1);
      assert.equal((await cloud.machine()).power, 'off');
    }),
  );

  it(
    'a console is shown where the system has opened it',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'screen')) return;
      await cloud.deploy();
      const { document } = await cloud.ok('getconsole');
      const { host, port } = document['console'] as Readonly<Record<string, unknown>>;
      assert.deepEqual({ host, port }, await backend.screen((await cloud.machine()).remoteId));
    }),
  );

  it(
    'prepare hands the console’s address back where the operator wants a button for it, and only there',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { settings: ['console_button'] })) return;
      const console_url = 'https://console.example.org/{name}?id={uuid}';
      const url = `https://console.example.org/${cloud.vm.name}?id=${cloud.vm.uuid}`;
      for (const [console_button, wanted] of [
        ['everyone', url],
        ['administrators', url],
        ['off', undefined],
        [undefined, undefined],
      ] as const) {
        const host =
          console_button === undefined ? { console_url } : { console_url, console_button };
        const { document } = await cloud.ok('prepare', { host });
        const details = document['details'] as Readonly<Record<string, string>> | undefined;
        assert.equal(details?.['External:console_url'], wanted, console_button);
      }
      const without = await cloud.ok('prepare', { host: { console_button: 'everyone' } });
      assert.doesNotMatch(without.text, /console_url/);
    }),
  );

  it(
    'a direct console is an https address made from the operator’s',
    inScene(setUp, async ({ cloud, provider }, t) => {
      if (!knows(t, provider, { settings: ['console_url'] })) return;
      await cloud.deploy();
      const host = { console_url: 'https://console.example.org/{name}?id={uuid}' };
      const { document } = await cloud.ok('getconsole', { host });
      const url = `https://console.example.org/${cloud.vm.name}?id=${cloud.vm.uuid}`;
      assert.deepEqual(document['console'], { protocol: 'direct', url });
      for (const console_url of [
        'http://console.example.org/',
        'https://x/{token}',
        'javascript:1',
      ]) {
        const { exitCode } = await cloud.call('getconsole', { host: { console_url } });
        assert.equal(exitCode, 1, console_url);
      }
    }),
  );
}

import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as v from 'valibot';
import { admin } from '../support/payloads.ts';
import type { SetUp } from './backend.ts';
import { has, inScene, knows, type Scene } from './cloud.ts';
import { doEverything } from './machine.ts';
import { examine, operatorVerbs } from './operator.ts';

/** The list of machines that `audit` reads. */
async function listed(scene: Scene): Promise<unknown> {
  return operatorVerbs(scene).machines();
}

export function limitCases(setUp: SetUp): void {
  it(
    'a create that takes too long ends before its deadline, undone, and says what it waited for',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'slowTasks')) return;
      const before = await backend.machines();
      await backend.slowTasks(true);
      const startedMs = performance.now();
      const { exitCode, text } = await cloud.call('create', { timeoutSeconds: 1 });
      assert.ok(performance.now() - startedMs < 1_000, 'CloudStack would have killed it');
      assert.equal(exitCode, 1);
      assert.match(text, /Gave up after [\d.]+ s while \w+/);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'a start that takes too long ends before its deadline and leaves no machine half started',
    inScene(setUp, async ({ cloud, backend }, t) => {
      if (!has(t, backend, 'slowTasks')) return;
      await cloud.deploy();
      await cloud.ok('stop');
      await backend.slowTasks(true);
      const startedMs = performance.now();
      const { exitCode } = await cloud.call('start', { timeoutSeconds: 1 });
      assert.ok(performance.now() - startedMs < 1_000, 'CloudStack would have killed it');
      assert.equal(exitCode, 1);
      await backend.slowTasks(false);
      await cloud.ok('start');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  for (const [action, after] of Object.entries({ stop: 'off', reboot: 'on' })) {
    it(
      `a ${action} that takes too long ends before its deadline, and does not say that it is done`,
      inScene(setUp, async ({ cloud, backend }, t) => {
        if (!has(t, backend, 'slowTasks')) return;
        await cloud.deploy();
        await backend.slowTasks(true);
        const startedMs = performance.now();
        const { exitCode } = await cloud.call(action, { timeoutSeconds: 1 });
        assert.ok(performance.now() - startedMs < 1_000, 'CloudStack would have killed it');
        if (exitCode === 0) assert.equal((await cloud.machine()).power, after);
      }),
    );
  }

  it(
    'a custom action that takes too long says which time-out to set',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!has(t, backend, 'slowTasks')) return;
      if (!knows(t, provider, { actions: ['CreateSnapshot'] })) return;
      await cloud.deploy();
      const { all } = await cloud.machine();
      await backend.slowTasks(true);
      const parameters = { snap_name: 'too-slow' };
      const options = { caller: admin, timeoutSeconds: 1 };
      const { exitCode, text } = await cloud.custom('CreateSnapshot', parameters, options);
      assert.equal(exitCode, 1);
      const wanted = provider.actions['CreateSnapshot']?.timeoutSeconds;
      assert.match(text, new RegExp(`updateCustomAction timeout=${wanted}`));
      assert.equal((await cloud.machine()).all, all);
    }),
  );

  it(
    'no secret shows up in any answer or log line',
    inScene(setUp, async (scene) => {
      const { cloud, provider, backend } = scene;
      const told: string[] = [];
      await cloud.deploy();
      await cloud.call('statuses');
      await doEverything(cloud, provider, { caller: admin });
      for (const trouble of ['outage', 'withdrawRights', 'elsewhereApi'] as const) {
        await backend[trouble]?.(true);
        await doEverything(cloud, provider, { caller: admin });
        const found = [await examine(scene).catch(String), await listed(scene).catch(String)];
        told.push(JSON.stringify(found));
        await backend[trouble]?.(false);
      }
      const answers = [cloud.allOutput(), ...told].join('\n');
      assert.ok(answers.length > 1_000, 'there is a log to look through');
      for (const secret of ['Xk3vP0cUQ9sZJw', ...backend.secrets]) {
        assert.ok(!answers.includes(secret), 'a secret was answered or logged');
      }
    }),
  );

  it(
    'a setting that holds a secret is defined as one, so that it is masked wherever it shows up',
    inScene(setUp, async ({ provider, backend }) => {
      const { extension, resourcemap, host } = backend.details();
      for (const [key, value] of Object.entries({ ...extension, ...resourcemap, ...host })) {
        if (!backend.secrets.some((secret) => value.includes(secret))) continue;
        assert.equal(provider.settings[key]?.secret, true, key);
      }
      const secrets = Object.values(provider.settings).filter(({ secret }) => secret === true);
      assert.ok(secrets.length === 0 || backend.secrets.length > 0, 'the backend names no secrets');
    }),
  );

  it(
    'nothing is sent to a system whose certificate is another than the one that is pinned',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      if (!knows(t, provider, { settings: ['tls_fingerprint'] })) return;
      const before = await backend.machines();
      const host = { tls_fingerprint: '0'.repeat(64) };
      await backend.outage(true);
      for (const action of ['create', 'status']) {
        assert.equal((await cloud.call(action, { host })).exitCode, 1, action);
      }
      assert.equal(await backend.callsDuringOutage(), 0, 'requests reached the system');
      await cloud.call('create');
      assert.ok((await backend.callsDuringOutage()) > 0, 'the backend counts no requests');
      await backend.outage(false);
      assert.equal((await cloud.call('create', { host })).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
      await cloud.ok('create');
    }),
  );

  it(
    'an instance cannot choose what the operator does not allow',
    inScene(setUp, async ({ cloud, provider, backend }, t) => {
      const limited = Object.entries(provider.blueprint).filter(
        ([, { within }]) => within !== undefined && provider.settings[within] !== undefined,
      );
      const named = new Set(limited.map(([, { within }]) => within));
      for (const key of Object.keys(provider.settings)) {
        if (!/^(allowed_|max_disk_)/.test(key) || named.has(key)) continue;
        assert.ok(backend.lacks[key], `no detail of an instance is "within" ${key}`);
      }
      const before = await backend.machines();
      const { details } = cloud.vm;
      for (const [key, { within = '', schema }] of limited) {
        const isNumber = typeof v.safeParse(schema(), '9').output === 'number';
        // A text is limited by patterns or by its length.
        const wanted = isNumber ? '9' : key === 'user_data' ? '#cloud-config' : 'mine';
        cloud.change({ details: { ...details, [`External:${key}`]: wanted } });
        const host = { [within]: within.startsWith('max_') ? '8' : 'yours-*' };
        const { exitCode, text } = await cloud.call('create', { host });
        assert.equal(exitCode, 1, key);
        assert.match(text, new RegExp(within));
      }
      assert.deepEqual(await backend.machines(), before);
      if (limited.length === 0) t.skip(`${provider.name} has nothing to choose`);
    }),
  );

  it(
    'an instance’s details about policy and connection are ignored',
    inScene(setUp, async ({ cloud, provider, backend }) => {
      await cloud.deploy();
      const { all } = await cloud.machine();
      const settings = Object.keys(provider.settings).filter((key) => !(key in provider.blueprint));
      const injected = settings.map((key) => [`External:${key}`, 'injected']);
      cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(injected) } });
      await cloud.ok('status');
      assert.equal((await cloud.machine()).all, all);
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.equal(
        (await backend.machines()).some(({ mark }) => mark.includes(cloud.vm.uuid)),
        false,
      );
    }),
  );
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import type { Mark } from '../../../src/contract/machine.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { markOf } from '../../conformance/machine.ts';
import { admin } from '../../support/payloads.ts';
import { inMaas, type MaasScene, sessionOf } from './scene.ts';

/** A machine with the mark of an instance, in the state that the caller gives. */
async function plant(
  { backend, fake }: MaasScene,
  of: Cloud,
  more: Partial<FakeMachine> = {},
  mark: Partial<Mark> = {},
): Promise<FakeMachine> {
  const id = await backend.plant({ name: 'metal', mark: markOf(of, mark), power: 'on' });
  return Object.assign(fake.machine(id), more);
}

/** Runs these actions and demands that they end so, and that nothing stands there otherwise. */
async function untouched(
  { cloud, backend }: MaasScene,
  actions: readonly string[],
  exitCode: number,
): Promise<string> {
  const before = await backend.machines();
  let texts = '';
  for (const action of actions) {
    const done = await cloud.call(action, { caller: admin });
    assert.equal(done.exitCode, exitCode, `${action}: ${done.text}`);
    texts += done.text;
  }
  assert.deepEqual(await backend.machines(), before);
  return texts;
}

async function statuses({ cloud }: MaasScene, host: Readonly<Record<string, string>>) {
  return (await cloud.ok('statuses', { host })).document['power_state'];
}

describe('a machine of another instance', () => {
  it(
    'that could not be erased is not released again by an instance that has none',
    inMaas({}, async (scene) => {
      const other = scene.cloud.another();
      await plant(scene, other, { status: 'failed_disk_erasing', agentName: '' });
      assert.match((await scene.cloud.call('status')).text, /There is no machine of/);
      await untouched(scene, ['stop', 'delete'], 0);
    }),
  );

  it(
    'a machine is not released as a claim by an installation that has an instance with the same UUID',
    inMaas({}, async (scene) => {
      const theirs = { installation: 'another-cloud', state: 'building' } as const;
      await plant(scene, scene.cloud, {}, theirs);
      await untouched(scene, ['stop', 'delete'], 1);
    }),
  );
});

describe('the machine of an instance whose details do not lead to it', () => {
  for (const [what, annotations] of [
    ['has lost its mark', {}],
    ['carries a mark that cannot be read', { outrigger: '[outrigger:' }],
  ] as const) {
    it(
      `is not taken for missing when it ${what}`,
      inMaas({}, async (scene) => {
        const { cloud, own } = scene;
        await cloud.ok('create');
        own().annotations = { ...annotations };
        assert.equal(cloud.vm.details['External:maas_system_id'], undefined);
        assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
        const texts = await untouched(scene, ['create', 'start', 'stop', 'delete'], 1);
        assert.match(texts, new RegExp(`Refused to touch .*${own().systemId}`));
      }),
    );
  }
});

describe('an instance without a finished machine of its own', () => {
  const stages = [
    ['allocated', { state: 'building' }, /was never finished/],
    ['disk_erasing', { state: 'built' }, /has no machine any more: .* is being given back/],
  ] as const;
  for (const [status, mark, why] of stages) {
    it(
      `start and reboot of an instance whose only machine is ${status} fail with that reason`,
      inMaas({}, async (scene) => {
        const { cloud } = scene;
        const agentName = status === 'allocated' ? cloud.vm.uuid : '';
        const { systemId } = await plant(scene, cloud, { status, agentName }, mark);
        for (const action of ['start', 'reboot']) {
          assert.match(await untouched(scene, [action], 1), why, action);
        }
        assert.deepEqual(await statuses(scene, {}), { [cloud.vm.name]: 'PowerUnknown' });
        const { text } = await cloud.okCustom('GetDetails', {}, { caller: admin });
        assert.ok(text.includes(`{"Property":"System ID","Value":"${systemId}"}`), text);
      }),
    );
  }

  it(
    'an instance that has a finished machine and a killed call’s claim is treated as having a machine',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const claim = await plant(scene, cloud, {}, { state: 'building' });
      const { systemId } = await plant(scene, cloud);
      await cloud.ok('start');
      const { text } = await cloud.okCustom('GetDetails', {}, { caller: admin });
      assert.ok(text.includes(`{"Property":"System ID","Value":"${systemId}"}`), text);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      await cloud.ok('stop');
      assert.deepEqual([claim.agentName, fake.machine(systemId).powered], ['', false]);
    }),
  );
});

describe('a machine that may be hidden from the key', () => {
  it(
    'is not missing while MAAS does not say whose it is',
    inMaas({}, async (scene) => {
      const { cloud, backend, fake } = scene;
      await cloud.deploy();
      await backend.withdrawRights(true);
      fake.disturb(({ path }) =>
        /^\/machines\/./.test(path) ? plain(500, 'database is down') : undefined,
      );
      for (const action of ['status', 'stop', 'delete']) {
        const { exitCode, text } = await cloud.call(action, {
          host: { api_user: '' },
          caller: admin,
        });
        assert.equal(exitCode, 1, action);
        assert.match(text, /database is down/, action);
      }
    }),
  );
});

describe('an adopted machine', () => {
  it(
    'is not changed while another one carries its mark too',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack', powered: true });
      const details = { ...cloud.vm.details, 'External:maas_system_id': machine.systemId };
      cloud.change({ details });
      const stored = { 'External:maas_system_id': machine.systemId };
      const { uuid, name } = cloud.vm;
      const instance = { uuid, name, deploying: false, stored };
      await (await sessionOf(scene)).adopt(machine.systemId, instance);
      fake.add({
        ...{ status: 'deployed', owner: 'cloudstack', powered: true },
        annotations: { ...machine.annotations },
      });
      const texts = await untouched(scene, ['start', 'reboot', 'stop', 'delete'], 1);
      assert.match(texts, /carry its mark, and only one machine can be its own/);
    }),
  );
});

describe('a list of instances for the pools of one host', () => {
  it(
    'the report of a pool has the machines in doubt or under release there, and none of other pools',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      const gone = cloud.another();
      for (const pool of ['pool-a', 'pool-b']) await plant(scene, cloud, { pool });
      await plant(scene, gone, { pool: 'pool-b', status: 'releasing', agentName: '' });
      const doubtful = { [cloud.vm.name]: 'PowerUnknown' };
      assert.deepEqual(await statuses(scene, { nodes: 'pool-c' }), {});
      assert.deepEqual(await statuses(scene, { nodes: 'pool-a' }), doubtful);
      assert.deepEqual(await statuses(scene, { nodes: 'pool-b' }), {
        ...doubtful,
        [gone.vm.name]: 'PowerUnknown',
      });
    }),
  );

  it(
    'the report of an administrator’s key that shows no machine of the installation is refused',
    inMaas({}, async (scene) => {
      const host = { apikey: scene.fake.users[1]?.key ?? '', api_user: '' };
      const { exitCode, text } = await scene.cloud.call('statuses', { host });
      assert.equal(exitCode, 1);
      assert.match(text, /No machine here carries a mark of installation/);
    }),
  );

  it(
    'is refused for deployed machines that carry no mark, whichever user an administrator sees them of',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      await plant(scene, cloud, { owner: 'root' });
      const claimed = fake.add({ status: 'allocated', owner: 'root', hostname: 'claimed' });
      const host = { apikey: fake.users[1]?.key ?? '', api_user: 'root', shared_user: 'false' };
      const report = (await statuses(scene, host)) as Readonly<Record<string, string>>;
      assert.equal(report[cloud.vm.name], 'PowerOn');
      for (const owner of ['root', 'juju']) {
        Object.assign(claimed, { status: 'deployed', owner });
        const { exitCode, text } = await cloud.call('statuses', { host, caller: admin });
        assert.equal(exitCode, 1);
        const why = `of ${owner} carry no mark and may be instances: 1, such as ${claimed.systemId}`;
        assert.ok(text.includes(why), text);
      }
    }),
  );
});

describe('ListMachines', () => {
  it(
    'shows only machines that the operator lets instances have',
    inMaas(
      { ready: 1, host: { allowed_pools: 'big*', require_tags: 'cloud' } },
      async ({ cloud, fake }) => {
        for (const machine of fake.world.machines.values()) {
          Object.assign(machine, { pool: 'big-1', tags: ['cloud'] });
        }
        cloud.change({ details: { ...cloud.vm.details, 'External:pool': 'big-1' } });
        await cloud.deploy();
        const shown = fake.add({ pool: 'big-2', tags: ['cloud', 'gpu'] });
        const untagged = fake.add({ pool: 'big-2', tags: ['gpu'] });
        const elsewhere = fake.add({ pool: 'small', tags: ['cloud'] });
        const { text } = await cloud.okCustom('ListMachines', {}, { caller: admin });
        assert.match(text, new RegExp(shown.systemId));
        for (const { systemId } of [untagged, elsewhere]) {
          assert.doesNotMatch(text, new RegExp(systemId));
        }
      },
    ),
  );
});

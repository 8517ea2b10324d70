import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import { operatorVerbs } from '../../conformance/operator.ts';
import { admin, type Details } from '../../support/payloads.ts';
import { inMaas, type MaasScene, sessionOf, until } from './scene.ts';

const root = ({ fake }: MaasScene): Details => ({
  apikey: fake.users[1]?.key ?? '',
  api_user: 'root',
});

/** Runs these actions with the key and demands that each ends so and that the machine stays as it is. */
async function demand(
  { cloud, backend }: MaasScene,
  actions: readonly string[],
  exitCode: number,
  host: Details = {},
): Promise<string> {
  const before = await backend.machines();
  let texts = '';
  for (const action of actions) {
    const done = await cloud.call(action, { caller: admin, host });
    assert.equal(done.exitCode, exitCode, `${action}: ${done.text}`);
    texts += done.text;
  }
  assert.deepEqual(await backend.machines(), before);
  return texts;
}

const changes = ['start', 'reboot', 'stop', 'delete', 'create'];

const power = async ({ cloud }: MaasScene, host: Details = {}): Promise<unknown> =>
  (await cloud.ok('status', { host })).document['power_state'];

async function report({ cloud }: MaasScene, host: Details = {}): Promise<unknown> {
  const all = (await cloud.ok('statuses', { host })).document['power_state'];
  return (all as Readonly<Record<string, unknown>>)[cloud.vm.name];
}

/** The operator marks the instance's machine broken, in the web interface. */
async function broken(scene: MaasScene): Promise<FakeMachine> {
  await scene.cloud.deploy();
  const machine = scene.own();
  scene.fake.world.life.markBroken(machine, 'a fan stands still');
  return machine;
}

describe('a machine that MAAS took away and whose mark was left on it', () => {
  for (const isFixed of [false, true]) {
    it(
      `stays the operator’s while it is ${isFixed ? 'deployed without an owner' : 'Broken'}, and the instance is in doubt`,
      inMaas({}, async (scene) => {
        const machine = await broken(scene);
        if (isFixed) scene.fake.world.life.markFixed(machine);
        assert.deepEqual(
          [machine.status, machine.owner],
          [isFixed ? 'deployed' : 'broken', ''],
          'the fake answers as MAAS does',
        );
        const texts = await demand(scene, changes, 1);
        assert.match(texts, /carries its mark, but MAAS took it away from it/);
        assert.match(texts, isFixed ? /from it \(.*Deployed/ : /from it \(.*Broken/);
        assert.equal(await power(scene), 'PowerUnknown');
        assert.equal(await report(scene), 'PowerUnknown');
      }),
    );
  }

  it(
    'is not stopped, wiped or shown once another user has deployed it',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = await broken(scene);
      // A machine that broke while it was being installed becomes ready with its annotations.
      machine.previous = 'deploying';
      fake.world.life.markFixed(machine);
      assert.equal(machine.status, 'ready');
      assert.ok(machine.annotations['outrigger']?.includes(cloud.vm.uuid));
      const theirs = {
        status: 'deployed',
        owner: 'juju',
        powered: true,
        cachedPower: 'on',
      } as const;
      Object.assign(machine, theirs);
      await demand(scene, ['stop', 'delete'], 0, root(scene));
      await demand(scene, ['status', 'start', 'reboot'], 1, root(scene));
      assert.equal(await report(scene, root(scene)), 'PowerUnknown');
      // A key that cannot see the machine cannot tell that it is no longer the instance's.
      assert.match(await demand(scene, changes, 1), /belongs to another MAAS user than cloudstack/);
      const [shown] = await (await sessionOf(scene, root(scene))).machines();
      assert.equal(shown?.givenBack, true);
      assert.match(shown?.remarks?.join() ?? '', /belongs to the MAAS user juju/);
    }),
  );

  it(
    'is not touched either when the key’s own user has deployed it for something else',
    inMaas({}, async (scene) => {
      const machine = await broken(scene);
      const mine = { status: 'deployed', owner: 'cloudstack', powered: true, cachedPower: 'on' };
      Object.assign(machine, mine);
      const texts = await demand(scene, changes, 1);
      assert.match(texts, /MAAS does not have it claimed for this instance/);
      assert.equal(await power(scene), 'PowerUnknown');
      assert.equal(await report(scene), 'PowerUnknown');
    }),
  );

  it(
    'does not keep an instance from being created on another machine when it broke unfinished',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.ok('prepare');
      const machine = own();
      fake.world.life.markBroken(machine, 'no disk');
      await cloud.ok('create');
      await cloud.ok('stop');
      await cloud.ok('delete');
      assert.deepEqual([machine.status, machine.owner], ['broken', '']);
    }),
  );

  it(
    'is not released by a delete that MAAS was too busy for before another user took it over',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const machine = own();
      fake.disturb(({ op }) => {
        if (op !== 'release') return undefined;
        machine.owner = 'root';
        return plain(503, 'busy');
      });
      for (const host of [{}, { apikey: fake.users[1]?.key ?? '', api_user: 'cloudstack' }]) {
        machine.owner = 'cloudstack';
        const { exitCode, text } = await cloud.call('delete', { host, caller: admin });
        assert.equal(exitCode, 1, text);
      }
      assert.deepEqual([machine.status, machine.owner], ['deployed', 'root']);
    }),
  );

  it(
    'does not stand in the way of the instance’s own machine',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const { annotations, systemId } = own();
      const old = fake.add({ status: 'broken' });
      const mark = annotations['outrigger']?.replace(systemId, old.systemId) ?? '';
      old.annotations['outrigger'] = mark;
      assert.equal(await report(scene), 'PowerOn');
      for (const action of ['stop', 'start', 'delete']) await cloud.ok(action);
      assert.equal(old.status, 'broken');
    }),
  );
});

describe('a machine that an administrator has put into rescue mode', () => {
  async function rescued(scene: MaasScene, isOver: boolean): Promise<FakeMachine> {
    const { cloud, fake, own } = scene;
    await cloud.deploy();
    const machine = own();
    fake.world.life.startRescue(machine, 'root');
    await until('rescue mode', () => machine.status === 'rescue_mode');
    if (!isOver) return machine;
    fake.world.life.endRescue(machine);
    await until('its end', () => machine.status === 'deployed');
    return machine;
  }

  for (const isOver of [false, true]) {
    it(
      `is never taken for gone by a key that does not see it any more (${isOver ? 'after' : 'in'} rescue mode)`,
      inMaas({}, async (scene) => {
        const machine = await rescued(scene, isOver);
        assert.deepEqual([machine.owner, machine.powered], ['root', true]);
        const texts = await demand(scene, ['status', ...changes], 1);
        assert.match(texts, /belongs to another MAAS user than cloudstack/);
        assert.match(texts, /rescue mode becomes the owner for good/);
      }),
    );

    it(
      `is in doubt for the key of another administrator (${isOver ? 'after' : 'in'} rescue mode)`,
      inMaas({}, async (scene) => {
        await rescued(scene, isOver);
        scene.own().owner = 'boss';
        const texts = await demand(scene, changes, 1, root(scene));
        assert.match(texts, /carries its mark, but belongs to the MAAS user boss/);
        assert.equal(await power(scene, root(scene)), 'PowerUnknown');
        assert.equal(await report(scene, root(scene)), 'PowerUnknown');
      }),
    );
  }

  it(
    'is not left out of a list that has shown it before, until it is free again',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const other = cloud.another();
      await other.ok('create');
      const machine = own();
      assert.equal(await report(scene), 'PowerOn');
      for (const status of ['entering_rescue_mode', 'rescue_mode', 'deployed'] as const) {
        Object.assign(machine, { owner: 'root', status });
        for (let turn = 0; turn < 2; turn += 1) {
          assert.equal(await report(scene), 'PowerUnknown', status);
          assert.equal(await report({ ...scene, cloud: other }), 'PowerOn');
        }
      }
      const listed = await operatorVerbs(scene).machines();
      const hidden = listed.find(({ remoteId }) => remoteId === machine.systemId);
      assert.match(hidden?.remarks?.join() ?? '', /Deployed: .*hidden from the key/, 'for audit');
      fake.world.life.free(machine);
      const asked = fake.seen.length;
      for (let turn = 0; turn < 2; turn += 1) assert.equal(await report(scene), undefined);
      const looks = fake.seen.slice(asked).filter(({ path }) => path.includes(machine.systemId));
      assert.equal(looks.length, 1, 'it is asked for once and then forgotten');
    }),
  );

  it(
    'is the instance’s again for the key of the administrator who owns it now',
    inMaas({}, async (scene) => {
      const machine = await rescued(scene, true);
      const host = root(scene);
      assert.equal(await power(scene, host), 'PowerOn');
      for (const action of ['stop', 'start', 'delete']) await scene.cloud.ok(action, { host });
      assert.equal(machine.status, 'ready');
    }),
  );
});

describe('the key of an administrator', () => {
  const unshared = { shared_user: 'false' };

  it(
    'refuses a list while machines of other users may be instances that wait for their adoption',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack' });
      const host = { ...root(scene), ...unshared };
      const { exitCode, text } = await cloud.call('statuses', { host, caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, new RegExp(`of cloudstack carry no mark .* such as ${machine.systemId}`));
      assert.match(text, /with a key of the user who owns them/);
    }),
  );

  it(
    'cannot adopt another user’s machine, as the plan and the deed say alike',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack' });
      const verbs = await sessionOf(scene, root(scene));
      const why = /belongs to the MAAS user cloudstack, and MAAS lets only its owner mark it/;
      const { uuid, name } = cloud.vm;
      const instance = { uuid, name, deploying: false, stored: {} };
      await assert.rejects(verbs.planAdoption(machine.systemId, instance), why);
      await assert.rejects(verbs.adopt(machine.systemId, instance), why);
      assert.deepEqual(machine.annotations, {});
    }),
  );

  it(
    'leaves an adopted machine of another user as it is, instead of switching it off and failing',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack', powered: true });
      cloud.change({
        details: { ...cloud.vm.details, 'External:maas_system_id': machine.systemId },
      });
      const stored = { 'External:maas_system_id': machine.systemId };
      const { uuid, name } = cloud.vm;
      const instance = { uuid, name, deploying: false, stored };
      await (await sessionOf(scene)).adopt(machine.systemId, instance);
      const texts = await demand(scene, ['stop', 'delete'], 1, root(scene));
      assert.match(texts, /carries its mark, but belongs to the MAAS user cloudstack/);
    }),
  );
});

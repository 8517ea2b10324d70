import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import type { Instance } from '../../../src/contract/instance.ts';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin, type Details } from '../../support/payloads.ts';
import { inMaas, type MaasScene, requests, sessionOf } from './scene.ts';

function instanceOf({ vm }: Cloud): Instance {
  const { 'External:maas_system_id': id } = vm.details;
  const stored = id === undefined ? {} : { 'External:maas_system_id': id };
  return { uuid: vm.uuid, name: vm.name, deploying: false, stored };
}

/** A machine of the built-in extension that was adopted for the instance. */
async function adopted(scene: MaasScene, more: Details = {}): Promise<FakeMachine> {
  const { cloud, fake } = scene;
  const { api_user: owner = 'cloudstack' } = more;
  const machine = fake.add({ status: 'deployed', owner, powered: true });
  cloud.change({ details: { ...cloud.vm.details, 'External:maas_system_id': machine.systemId } });
  const session = await sessionOf(scene, more);
  await session.adopt(machine.systemId, instanceOf(cloud));
  return machine;
}

function originOf({ annotations }: FakeMachine): string | undefined {
  const mark = readMark(annotations['outrigger'] ?? '');
  return typeof mark === 'object' ? mark.origin : mark;
}

async function redeploy({ cloud }: MaasScene, timeoutSeconds = 20): Promise<number> {
  const parameters = { confirm: cloud.vm.name };
  const done = await cloud.custom('Redeploy', parameters, { caller: admin, timeoutSeconds });
  return done.exitCode;
}

describe('adopt', () => {
  it(
    'marks a machine of the built-in extension, which delete releases stopped',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      const machine = await adopted(scene);
      assert.equal(originOf(machine), 'adopted');
      await cloud.ok('stop');
      assert.equal(machine.powered, false);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOff');
      await cloud.ok('start');
      assert.equal(machine.powered, true);
      await cloud.ok('delete');
      assert.deepEqual(
        [machine.status, machine.powered, machine.annotations],
        ['deployed', false, { 'outrigger-left': cloud.vm.uuid }],
      );
    }),
  );

  it(
    'makes a machine whose power is asked for without a list of all machines',
    inMaas({}, async (scene) => {
      const machine = await adopted(scene);
      machine.cachedPower = 'on';
      const before = requests(scene.fake).length;
      await scene.cloud.ok('status');
      const asked = requests(scene.fake).slice(before);
      const bmc = 'GET /machines/ID/?op=query_power_state';
      assert.deepEqual(asked, ['GET /machines/', 'GET /machines/ID/', bmc]);
    }),
  );

  it(
    'an adoption ends with a delete, which may be repeated and holds up no list',
    inMaas({ host: { shared_user: 'false' } }, async (scene) => {
      const { cloud } = scene;
      const machine = await adopted(scene);
      await cloud.ok('delete');
      await cloud.ok('delete');
      await cloud.ok('stop');
      assert.equal(machine.status, 'deployed');
      const other = cloud.another();
      await other.ok('create');
      const report = (await cloud.ok('statuses')).document['power_state'];
      assert.deepEqual(report, { [other.vm.name]: 'PowerOn' });
    }),
  );

  it(
    'can be done again with a machine that was left by a deleted instance',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      const machine = await adopted(scene);
      await cloud.ok('delete');
      const other = cloud.another();
      await (await sessionOf(scene)).adopt(machine.systemId, instanceOf(other));
      assert.equal(machine.annotations['outrigger-left'], undefined);
      await other.ok('start');
      await cloud.ok('delete');
      assert.equal(machine.powered, true);
    }),
  );

  it(
    'refuses a machine that is not deployed',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const { systemId, annotations } = fake.add();
      const work = (await sessionOf(scene)).adopt(systemId, instanceOf(cloud));
      await assert.rejects(Promise.resolve(work), /it is "Ready" and not deployed/);
      assert.deepEqual(annotations, {});
    }),
  );

  it(
    'refuses a machine while another one may be the instance’s too',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack' });
      fake.add({ status: 'deployed', owner: 'cloudstack', hostname: cloud.vm.name });
      const stored = { 'External:maas_system_id': machine.systemId };
      cloud.change({ details: { ...cloud.vm.details, ...stored } });
      const verbs = await sessionOf(scene);
      const plan = verbs.planAdoption(machine.systemId, instanceOf(cloud));
      await assert.rejects(plan, /carries no mark/);
      const work = verbs.adopt(machine.systemId, instanceOf(cloud));
      await assert.rejects(Promise.resolve(work), /carries no mark/);
      assert.deepEqual(machine.annotations, {});
    }),
  );

  it(
    'is for the operator’s own MAAS user, as everything else is',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack' });
      const stored = { 'External:maas_system_id': machine.systemId };
      cloud.change({ details: { ...cloud.vm.details, ...stored } });
      const session = await sessionOf(scene, { api_user: 'other' });
      const work = session.adopt(machine.systemId, instanceOf(cloud));
      await assert.rejects(Promise.resolve(work), /is the one of cloudstack/);
      assert.deepEqual(machine.annotations, {});
    }),
  );

  it(
    'gives an instance a machine while its last one is still being erased',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 60_000 } }, async (scene) => {
      const { cloud, fake } = scene;
      await cloud.ok('create');
      await cloud.ok('delete');
      const machine = fake.add({ status: 'deployed', owner: 'cloudstack' });
      await (await sessionOf(scene)).adopt(machine.systemId, instanceOf(cloud));
      assert.equal(originOf(machine), 'adopted');
    }),
  );

  it(
    'makes a machine that is asked for again while MAAS is busy, like one that was claimed',
    inMaas({}, async (scene) => {
      const { cloud, fake } = scene;
      const machine = await adopted(scene);
      for (const [action, which] of [
        ['status', /^\/machines\/sys/],
        ['stop', /^\/machines\/\?.*status=/],
      ] as const) {
        let busy = 1;
        fake.disturb(({ method, op, path, query }) => {
          const asked = method === 'GET' && op === '' && which.test(`${path}${query}`);
          return asked && busy-- > 0 ? plain(503, 'busy') : undefined;
        });
        await cloud.ok(action);
        assert.ok(busy <= 0, action);
      }
      assert.equal(machine.powered, false);
    }),
  );
});

describe('an adopted machine that was installed anew', () => {
  it(
    'delete keeps an adopted machine that was installed anew, however often it is repeated',
    inMaas({}, async (scene) => {
      const { cloud } = scene;
      const machine = await adopted(scene);
      assert.equal(await redeploy(scene), 0);
      assert.equal(originOf(machine), 'adopted');
      const { disk } = machine;
      for (let turn = 0; turn < 2; turn += 1) {
        await cloud.ok('delete');
        assert.deepEqual(
          [machine.status, machine.powered, machine.disk],
          ['deployed', false, disk],
        );
      }
    }),
  );

  for (const op of ['allocate', 'set_workload_annotations'] as const) {
    it(
      `is still one when the first attempt was killed before ${op}`,
      inMaas({}, async (scene) => {
        const { fake } = scene;
        const machine = await adopted(scene);
        let killed = false;
        fake.disturb((request) => {
          killed ||= request.op === op;
          return killed ? 'lost-request' : undefined;
        });
        assert.equal(await redeploy(scene, 2), 1);
        assert.equal(originOf(machine), undefined);
        fake.disturb(undefined);
        // Erasing takes a boot, and each file that the machine fetches for it is an event.
        for (let count = 0; count < 200; count += 1) {
          fake.world.life.event(machine, 'DEBUG', 'TFTP Request', 'grubx64.efi');
        }
        assert.equal(await redeploy(scene), 0);
        assert.equal(originOf(machine), 'adopted');
      }),
    );
  }

  it(
    'an adopted machine has its own name again after delete',
    inMaas({ host: { set_hostname: 'true' } }, async (scene) => {
      const { cloud, fake } = scene;
      const host = { apikey: fake.users[1]?.key ?? '', api_user: 'root' };
      const machine = await adopted(scene, host);
      const { hostname } = machine;
      const parameters = { confirm: cloud.vm.name };
      await cloud.okCustom('Redeploy', parameters, { caller: admin, host });
      assert.equal(machine.hostname, cloud.vm.name);
      await cloud.ok('delete', { host });
      assert.deepEqual([machine.status, machine.hostname], ['deployed', hostname]);
      assert.deepEqual(Object.keys(machine.annotations), ['outrigger-left']);
    }),
  );

  it(
    'is released by delete where the operator wants that',
    inMaas({ host: { delete_adopted: 'true' } }, async (scene) => {
      const machine = await adopted(scene);
      assert.equal(await redeploy(scene), 0);
      await scene.cloud.ok('delete');
      assert.equal(machine.status, 'ready');
    }),
  );
});

describe('the list for audits', () => {
  it(
    'the list for audits has every machine of every MAAS user, each with its problems',
    inMaas({}, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const stuck = fake.add({
        status: 'failed_disk_erasing',
        owner: 'cloudstack',
        errorDescription: 'wiping failed',
      });
      fake.add({ status: 'deployed', owner: 'juju' });
      const listed = await (await sessionOf(scene)).machines();
      assert.deepEqual(
        listed.map(({ name, mark: _, ...more }) => more),
        [
          { remoteId: own().systemId, power: 'on' },
          {
            remoteId: stuck.systemId,
            power: 'unknown',
            givenBack: true,
            // By these an operator finds out whose an unmarked machine may be.
            cpus: 8,
            memoryBytes: 32 * 2 ** 30,
            nics: stuck.interfaces.map(({ mac }) => ({ mac })),
            remarks: [
              'Failed disk erasing (wiping failed): it was released, and its disks may still hold data; release it again in MAAS, with erasing',
            ],
          },
        ],
      );
    }),
  );

  it(
    'says of an instance’s machine what is unusual about it',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      const remarks = async () =>
        (await (await sessionOf(scene)).machines()).map((each) => each.remarks);
      Object.assign(scene.own(), { status: 'broken', errorDescription: 'fan', locked: true });
      const lost =
        'Broken (fan): it carries the mark, but MAAS took it away from it ("Broken"); nothing is done to it for the instance';
      assert.deepEqual(await remarks(), [[lost, 'locked']]);
      scene.own().status = 'rescue_mode';
      assert.deepEqual(await remarks(), [['Rescue mode (fan)', 'locked']]);
      for (const status of ['allocated', 'deploying', 'deployed', 'disk_erasing'] as const) {
        Object.assign(scene.own(), { status, locked: false });
        assert.deepEqual(await remarks(), [undefined], status);
      }
    }),
  );

  it(
    'takes only what the key’s own user has claimed for a leftover',
    inMaas({}, async (scene) => {
      const { fake } = scene;
      for (const { name } of fake.users) fake.add({ status: 'allocated', owner: name });
      const root = { apikey: fake.users[1]?.key ?? '', api_user: 'root', shared_user: false };
      const listed = await (await sessionOf(scene, root)).machines();
      assert.deepEqual(
        listed.map(({ leftover }) => leftover),
        [undefined, true, undefined],
      );
    }),
  );

  it(
    'tells by the last claim of a machine for whom it was, and waits for a mark that follows',
    inMaas({}, async (scene) => {
      const { fake } = scene;
      const claimed = (...comments: readonly string[]): FakeMachine => {
        const machine = fake.add({ status: 'allocated', owner: 'cloudstack' });
        for (const comment of comments) {
          fake.world.life.event(machine, 'DEBUG', 'User acquiring node', `(cloudstack)${comment}`);
        }
        return machine;
      };
      const ours = ' - CloudStack instance i-2-9-VM';
      const [killed, byHand, fresh] = [claimed('', ours), claimed(ours, ''), claimed(ours)];
      fake.disturb(({ method, path }) => {
        if (method === 'GET' && path.includes(fresh.systemId)) {
          fresh.annotations = { outrigger: 'written by now' };
        }
        return undefined;
      });
      const told = async (shared_user: boolean) => {
        fresh.annotations = {};
        const listed = await (await sessionOf(scene, { shared_user })).machines();
        return [killed, byHand, fresh].map(({ systemId }) => {
          const found = listed.find(({ remoteId }) => remoteId === systemId);
          return found?.leftover === true ? found.remarks?.join() : undefined;
        });
      };
      const forOurs =
        'it was claimed for i-2-9-VM and never marked: stop i-2-9-VM, which gives it back, or release it in MAAS';
      assert.deepEqual(await told(true), [forOurs, undefined, undefined]);
      assert.deepEqual(await told(false), [
        forOurs,
        'it was claimed for no instance that is known and never marked: release it in MAAS',
        undefined,
      ]);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import { admin, system } from '../../support/payloads.ts';
import { inMaas, type MaasScene, requests } from './scene.ts';

async function status({ cloud }: MaasScene): Promise<unknown> {
  return (await cloud.ok('status')).document['power_state'];
}

async function statuses({ cloud }: MaasScene): Promise<unknown> {
  return (await cloud.ok('statuses')).document['power_state'];
}

describe('the power of a machine', () => {
  it(
    'costs one request by the stored id, and a question to the BMC',
    inMaas({ host: { shared_user: 'false' } }, async (scene) => {
      await scene.cloud.deploy();
      const before = requests(scene.fake).length;
      assert.equal(await status(scene), 'PowerOn');
      assert.deepEqual(requests(scene.fake).slice(before), [
        'GET /machines/ID/',
        'GET /machines/ID/?op=query_power_state',
      ]);
    }),
  );

  it(
    'of a missing instance costs four requests, none of them twice',
    inMaas({ host: { shared_user: 'false' } }, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      fake.world.machines.delete(own().systemId);
      const before = requests(fake).length;
      assert.match((await cloud.call('status')).text, /There is no machine of|no machine/);
      assert.deepEqual(requests(fake).slice(before), [
        'GET /machines/ID/',
        'GET /machines/',
        'GET /machines/',
        'GET /users/?op=whoami',
      ]);
    }),
  );

  it(
    'is found by the agent name where the stored id is gone or leads elsewhere',
    inMaas({ host: { shared_user: 'false' } }, async (scene) => {
      const { cloud, fake } = scene;
      await cloud.deploy();
      const { details } = cloud.vm;
      for (const id of ['', 'nosuch', fake.add().systemId]) {
        cloud.change({ details: { ...details, 'External:maas_system_id': id } });
        assert.equal(await status(scene), 'PowerOn', id);
      }
    }),
  );

  it(
    'is the BMC’s word where MAAS has not heard yet of a power failure',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      Object.assign(scene.own(), { powered: false, cachedPower: 'on' });
      assert.equal(await status(scene), 'PowerOff');
    }),
  );

  it(
    'is what MAAS believes where the BMC does not answer within its limit',
    inMaas({ timings: { nodeTimeoutMs: 60_000 } }, async (scene) => {
      await scene.cloud.deploy();
      Object.assign(scene.own(), { bmc: 'silent', cachedPower: 'on' });
      const beganMs = performance.now();
      assert.equal(await status(scene), 'PowerOn');
      assert.ok(performance.now() - beganMs < 8_000);
    }),
  );

  it(
    'is asked of the BMC before anything is called off',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      // MAAS heard of a power failure that is long over.
      scene.own().cachedPower = 'off';
      assert.equal(await status(scene), 'PowerOn');
      scene.own().cachedPower = 'off';
      assert.deepEqual(await statuses(scene), { [scene.cloud.vm.name]: 'PowerOn' });
    }),
  );

  for (const trouble of ['fails', 'silent'] as const) {
    it(
      `is unknown when the BMC ${trouble === 'fails' ? 'fails' : 'does not answer'}, never off`,
      inMaas({ timings: { nodeTimeoutMs: 300 } }, async (scene) => {
        await scene.cloud.deploy();
        Object.assign(scene.own(), { bmc: trouble, cachedPower: 'off', powered: false });
        assert.equal(await status(scene), 'PowerUnknown');
        scene.own().cachedPower = 'unknown';
        assert.deepEqual(await statuses(scene), { [scene.cloud.vm.name]: 'PowerUnknown' });
      }),
    );
  }

  it(
    'is unknown for a machine without a BMC and in every state but deployed',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      Object.assign(scene.own(), { powerType: 'manual', cachedPower: 'unknown' });
      assert.equal(await status(scene), 'PowerUnknown');
      Object.assign(scene.own(), { powerType: 'ipmi', cachedPower: 'on' });
      for (const each of [
        'broken',
        'rescue_mode',
        'testing',
        'failed_deployment',
        'releasing',
      ] as const) {
        scene.own().status = each;
        assert.equal(await status(scene), 'PowerUnknown', each);
        assert.deepEqual(await statuses(scene), { [scene.cloud.vm.name]: 'PowerUnknown' }, each);
      }
    }),
  );

  it(
    'of a machine being erased does not darken the one that came after it',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 60_000 } }, async (scene) => {
      const { cloud, fake, owned } = scene;
      for (const machine of fake.world.machines.values()) machine.installs = 'badly';
      for (let turn = 0; turn < 2; turn += 1)
        assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(
        owned().map(({ status: now }) => now),
        ['disk_erasing', 'disk_erasing'],
      );
      for (const machine of fake.world.machines.values()) machine.installs = 'well';
      await cloud.ok('stop', { state: 'Starting' });
      await cloud.ok('create');
      assert.equal(owned().length, 3);
      assert.equal(await status(scene), 'PowerOn');
      assert.deepEqual(await statuses(scene), { [cloud.vm.name]: 'PowerOn' });
      await cloud.ok('delete');
      assert.deepEqual(await statuses(scene), { [cloud.vm.name]: 'PowerUnknown' });
    }),
  );
});

describe('a list of instances', () => {
  it(
    'is one request for all that run, besides the question whose key it is',
    inMaas({ ready: 6, host: { shared_user: 'false' } }, async (scene) => {
      const clouds = [scene.cloud];
      for (let count = 1; count < 5; count += 1)
        clouds.push((clouds.at(-1) ?? scene.cloud).another());
      for (const each of clouds) await each.ok('create');
      const before = requests(scene.fake).length;
      const connections = scene.fake.connections();
      const report = await statuses(scene);
      assert.deepEqual(report, Object.fromEntries(clouds.map(({ vm }) => [vm.name, 'PowerOn'])));
      assert.deepEqual(requests(scene.fake).slice(before), [
        'GET /users/?op=whoami',
        'GET /machines/',
      ]);
      assert.equal(scene.fake.connections() - connections, 1);
    }),
  );

  it(
    'asks for the agent names too where the key’s user deploys other things',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      const before = requests(scene.fake).length;
      assert.deepEqual(await statuses(scene), { [scene.cloud.vm.name]: 'PowerOn' });
      assert.deepEqual(requests(scene.fake).slice(before), [
        'GET /users/?op=whoami',
        'GET /machines/',
        'GET /machines/',
      ]);
      assert.equal(scene.fake.seen.at(-1)?.query, `?agent_name=${scene.cloud.vm.uuid}`);
    }),
  );

  it(
    'works with versions of MAAS that do not know a word for a status',
    inMaas({}, async (scene) => {
      await scene.cloud.deploy();
      scene.fake.disturb(({ query }) =>
        query.includes('status=') ? plain(400, '{"status": ["Invalid status"]}') : undefined,
      );
      assert.deepEqual(await statuses(scene), { [scene.cloud.vm.name]: 'PowerOn' });
      // A machine that is ready again has no owner, although the instance's details still point at it.
      for (let turn = 0; turn < 2; turn += 1) await scene.cloud.ok('delete');
      assert.match((await scene.cloud.call('status')).text, /no machine/);
    }),
  );

  it(
    'of an unknown user without machines is refused rather than empty',
    inMaas({}, async ({ cloud, backend }) => {
      await cloud.deploy();
      await backend.withdrawRights(true);
      for (const api_user of ['', 'cloudstack']) {
        const { exitCode, text } = await cloud.call('statuses', { host: { api_user } });
        assert.equal(exitCode, 1);
        assert.match(text, /juju/);
      }
      // Its stored id leads to a machine that has an owner, and may be the instance's.
      for (const action of ['status', 'stop', 'delete']) {
        const { exitCode, text } = await cloud.call(action, {
          host: { api_user: '' },
          caller: admin,
        });
        assert.equal(exitCode, 1, action);
        assert.match(text, /another MAAS user than juju/);
      }
    }),
  );

  it(
    'has no use for a machine that MAAS does not know any more, whichever user asks',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      fake.world.machines.delete(own().systemId);
      await cloud.ok('delete', { host: { api_user: '' } });
    }),
  );
});

describe('a power failure in the middle', () => {
  it(
    'of a stop makes it fail with the last word of the BMC',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      own().bmc = 'fails';
      const { exitCode, text } = await cloud.call('stop', { timeoutSeconds: 2, caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /BMC of machine .* to say off; its last answer was \\"error\\"/);
      own().bmc = 'works';
      await cloud.ok('stop');
      assert.equal(own().powered, false);
    }),
  );

  it(
    'of a start makes it fail, and the next one succeeds',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      own().bmc = 'refuses';
      assert.equal((await cloud.call('start', { timeoutSeconds: 2 })).exitCode, 1);
      own().bmc = 'works';
      await cloud.ok('start');
      assert.equal(own().powered, true);
    }),
  );

  it(
    'of a reboot makes it fail and leaves the machine its own',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      const { disk } = own();
      own().bmc = 'fails';
      const { exitCode } = await cloud.call('reboot', { timeoutSeconds: 2 });
      assert.equal(exitCode, 1);
      own().bmc = 'works';
      await cloud.ok('reboot');
      assert.equal(own().disk, disk);
      assert.equal(own().powered, true);
    }),
  );

  it(
    'of a delete makes it fail with the reason, and the next one succeeds',
    inMaas({}, async ({ cloud, own, owned }) => {
      await cloud.deploy();
      own().bmc = 'fails';
      const { exitCode, text } = await cloud.call('delete', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /was not released: it could not be switched off: .*BMC did not answer/);
      const [stuck] = owned();
      assert.equal(stuck?.status, 'failed_releasing');
      Object.assign(stuck ?? {}, { bmc: 'works' });
      await cloud.ok('delete');
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'the error of a stop says that the machine has no BMC',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      Object.assign(own(), { powerType: 'manual', cachedPower: 'unknown' });
      const { exitCode, text } = await cloud.call('stop', { state: 'Running', caller: system });
      assert.equal(exitCode, 1);
      assert.match(text, /MAAS cannot switch machine .* power type is .*manual/);
    }),
  );
});

describe('an ephemeral system', () => {
  it(
    'is there again when its start ends',
    inMaas({ timings: { deployMs: 100 } }, async ({ cloud, own }) => {
      const { details } = cloud.vm;
      cloud.change({ details: { ...details, 'External:ephemeral_deploy': 'true' } });
      await cloud.deploy();
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.equal(own().status, 'deployed');
      assert.equal(own().powered, true);
    }),
  );
});

describe('what is shown of a machine', () => {
  it(
    'are its addresses, its power and its events',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      const [second] = own().interfaces;
      const { text } = await cloud.okCustom('GetIpAddresses');
      assert.match(text, new RegExp(`eno2.*${second?.ip.replace(/\./g, '\\.')}`));
      const details = await cloud.okCustom('GetDetails', {}, { caller: admin });
      assert.match(details.text, /"Power type","Value":"ipmi"/);
      assert.match(details.text, /Node changed \\nstatus: From 'Deploying' to 'Deployed'/);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { formOf, inMaas, sessionOf } from './scene.ts';

const choose = (cloud: Cloud, details: Readonly<Record<string, string>>): void => {
  const external = Object.entries(details).map(([key, value]) => [`External:${key}`, value]);
  cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(external) } });
};

describe('create on MAAS', () => {
  it(
    'sends what the instance chose, as a form',
    inMaas({}, async ({ cloud, fake, own }) => {
      choose(cloud, {
        os: 'ubuntu',
        distro_series: 'noble',
        hwe_kernel: 'hwe-24.04',
        ephemeral_deploy: 'yes',
        user_data: '#cloud-config\npackages: [nginx]',
      });
      await cloud.deploy();
      const form = Object.fromEntries(formOf(fake, 'deploy'));
      assert.deepEqual(form, {
        comment: `CloudStack instance ${cloud.vm.name}`,
        agent_name: cloud.vm.uuid,
        distro_series: 'ubuntu/noble',
        hwe_kernel: 'hwe-24.04',
        ephemeral_deploy: 'true',
        user_data: Buffer.from('#cloud-config\npackages: [nginx]').toString('base64'),
      });
      assert.equal(own().series, 'noble');
    }),
  );

  it(
    'carries the instance’s SSH key in the user data',
    inMaas({}, async ({ cloud, fake }) => {
      cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': 'ssh-ed25519 AAAAkey me' } });
      await cloud.deploy();
      const data = Buffer.from(formOf(fake, 'deploy').get('user_data') ?? '', 'base64').toString();
      assert.match(data, /ssh_authorized_keys: \["ssh-ed25519 AAAAkey me"\]/);
    }),
  );

  it(
    "hands CloudStack's own user data over in place of the detail, with its keys and a new password",
    inMaas({}, async ({ cloud, fake }) => {
      choose(cloud, { user_data: '#cloud-config\npackages: [detail]' });
      const userData = Buffer.from('#cloud-config\npackages: [own]');
      const keys = ['ssh-ed25519 AAAAown me'];
      cloud.change({ guest: { hostname: 'web1', userData, keys, password: 'a"b' } });
      await cloud.deploy();
      const data = Buffer.from(formOf(fake, 'deploy').get('user_data') ?? '', 'base64').toString();
      const boundary = /boundary="([^"]+)"/.exec(data)?.[1] ?? '';
      const parts = data.split(`--${boundary}`).slice(1, -1);
      const [own, key, password] = parts.map((part) =>
        Buffer.from(part.split('\n\n')[1] ?? '', 'base64').toString(),
      );
      assert.equal(own, userData.toString());
      assert.match(key ?? '', /AAAAown/);
      assert.match(password ?? '', /"password": "a\\"b"/);
      assert.doesNotMatch(cloud.allOutput(), /a\\?"b/);
    }),
  );

  it(
    'create refuses contradictory or impossible details before it claims a machine',
    inMaas(
      { host: { allowed_series: 'ubuntu/*,jammy', allowed_pools: 'big' } },
      async ({ cloud, owned }) => {
        const { details } = cloud.vm;
        const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
          [{ pool: 'big', os: 'centos', distro_series: 'ubuntu/jammy' }, /contradict/],
          [{ pool: 'big', os: 'centos', distro_series: 'jammy' }, /allowed_series/],
          [{ pool: 'big', distro_series: 'windows/win2022' }, /allowed_series/],
          [{ pool: 'other' }, /allowed_pools/],
          [{}, /pool.. is missing/],
          [{ pool: 'big', user_data: 'hello' }, /neither cloud-init user data/],
          [{ pool: 'big', hwe_kernel: 'latest please' }, /hwe-22\.04/],
        ];
        for (const [chosen, reason] of wrong) {
          cloud.change({ details });
          choose(cloud, { distro_series: 'ubuntu/jammy', ...chosen });
          const { exitCode, text } = await cloud.call('create');
          assert.equal(exitCode, 1, JSON.stringify(chosen));
          assert.match(text, reason);
        }
        assert.equal(owned().length, 0);
        cloud.change({ details });
        choose(cloud, { pool: 'big', os: 'ubuntu', distro_series: 'jammy' });
        const { text } = await cloud.call('create', { host: { allowed_series: 'jammy' } });
        assert.match(text, /No such pool|is free and fit/, 'the series is one that is allowed');
      },
    ),
  );

  it(
    'create reports MAAS’s error about an unknown series, and releases the machine',
    inMaas({}, async ({ cloud, owned }) => {
      choose(cloud, { distro_series: 'ubuntu/warty' });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /ubuntu\/warty.*should be one of/);
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'waits to the end, with the progress in the log',
    inMaas({ timings: { deployMs: 300 } }, async ({ cloud, own }) => {
      await cloud.deploy();
      assert.equal(own().status, 'deployed');
      const output = cloud.allOutput();
      for (const step of ['Loading ephemeral', 'Configuring storage', 'deploy.done']) {
        assert.ok(output.includes(step), step);
      }
    }),
  );

  it(
    'is over when MAAS says that the machine is deployed, without a question to its BMC',
    inMaas({}, async ({ cloud, fake }) => {
      await cloud.ok('create');
      assert.deepEqual(
        fake.seen.filter(({ op }) => op === 'query_power_state'),
        [],
      );
    }),
  );

  it(
    'create reports MAAS’s own reason for a failed deployment and releases the machine',
    inMaas({ ready: 1 }, async ({ cloud, fake, owned }) => {
      for (const machine of fake.world.machines.values()) machine.installs = 'badly';
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(
        text,
        /Deployment of i-2-42-VM on machine sys\w+ \(metal-\w+\) failed: curtin: in-target grub-install/,
      );
      assert.match(text, /Node installation failure: curtin failed to install the bootloader/);
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'create ends before the deadline when the installation hangs, and releases the machine',
    inMaas({ ready: 1 }, async ({ cloud, fake, owned }) => {
      for (const machine of fake.world.machines.values()) machine.installs = 'never';
      const startedMs = performance.now();
      const { exitCode, text } = await cloud.call('create', { timeoutSeconds: 3 });
      assert.ok(performance.now() - startedMs < 3_000);
      assert.equal(exitCode, 1);
      assert.match(text, /Gave up after \d+ s while deploying.*Configuring storage.*StartCommand/);
      assert.equal(owned().length, 0);
      // It may only have been slow: with no other machine it gets another chance.
      for (const machine of fake.world.machines.values()) machine.installs = 'well';
      await cloud.ok('create');
    }),
  );

  it(
    'ends when the time is up that the operator gives deployments',
    inMaas({ timings: { deployMs: 60_000 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.ok('prepare');
      fake.world.life.deploy(own());
      // The least that a host may set is half a minute.
      const more = { deploy_timeout_seconds: 1, power_timeout_seconds: 60 };
      const session = await sessionOf(scene, more);
      const { uuid, name } = cloud.vm;
      const instance = {
        uuid,
        name,
        deploying: true,
        stored: {},
        cpus: 1,
        memoryBytes: 1,
        nics: [],
      };
      await assert.rejects(session.create(instance, {}), /Gave up after 1 s while deploying/);
    }),
  );

  it(
    'create goes on waiting while the API of MAAS is away or broken',
    inMaas({ timings: { deployMs: 400 } }, async ({ cloud, fake, own }) => {
      const faults = [plain(500, 'broken'), plain(502, ''), 'lost-request', 'lost-answer'] as const;
      for (const fault of faults) {
        let until = 0;
        fake.disturb(({ op }) => {
          if (op === 'deploy') until = performance.now() + 300;
          return op === '' && performance.now() < until ? fault : undefined;
        });
        await cloud.ok('create');
        assert.equal(own().status, 'deployed');
        await cloud.ok('delete');
      }
    }),
  );

  it(
    'does not wait for ever for a machine whose BMC refuses without a word',
    inMaas({ ready: 1, host: { power_timeout_seconds: '1' } }, async ({ cloud, fake, owned }) => {
      for (const machine of fake.world.machines.values()) machine.bmc = 'refuses';
      const { exitCode, text } = await cloud.call('create', { timeoutSeconds: 60 });
      assert.equal(exitCode, 1);
      assert.match(text, /has no power \(BMC says off\)/);
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'reports a BMC that fails',
    inMaas({ ready: 1 }, async ({ cloud, fake, owned }) => {
      for (const machine of fake.world.machines.values()) machine.bmc = 'fails';
      const { text } = await cloud.call('create');
      assert.match(text, /Power action failed: the BMC did not answer/);
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'lives through an API that is busy for a (scaled) minute, wherever it begins',
    inMaas({ timings: { deployMs: 50 } }, async ({ cloud, fake, own }) => {
      for (const after of [0, 4, 7, 9]) {
        let until = Number.POSITIVE_INFINITY;
        const from = fake.seen.length + after;
        fake.disturb(({ count }) => {
          if (count <= from) return undefined;
          if (until === Number.POSITIVE_INFINITY) until = performance.now() + 600;
          return performance.now() < until ? plain(503, 'busy') : undefined;
        });
        await cloud.ok('create');
        assert.equal(own().status, 'deployed');
        await cloud.ok('delete');
      }
    }),
  );

  it(
    'waits for a machine that is still busy with something else',
    inMaas({ timings: { busyMs: 300 } }, async ({ cloud, own, owned }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.equal(own().powered, true);
      await cloud.ok('delete');
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'goes on with the deployment of a create that was killed',
    inMaas({ timings: { deployMs: 400 } }, async ({ cloud, fake, own }) => {
      await cloud.ok('prepare');
      fake.world.life.deploy(own());
      await cloud.ok('create');
      assert.equal(own().status, 'deployed');
      assert.equal(fake.seen.filter(({ op }) => op === 'deploy').length, 0);
    }),
  );

  it(
    'gives the machine its name only where the operator wants it',
    inMaas({ host: { set_hostname: 'true' } }, async ({ cloud, own, backend }) => {
      const [, root] = backend.fake.users;
      const host = { apikey: root?.key ?? '', api_user: 'root' };
      const { document } = await cloud.ok('prepare', { host });
      const { 'External:hostname': told } = document['details'] as Record<string, string>;
      await cloud.ok('create', { host });
      assert.deepEqual([told, own().hostname], ['i-2-42-VM', 'i-2-42-VM']);
      await cloud.ok('delete', { host });
      choose(cloud, { vm_name: 'web1' });
      await cloud.ok('create', { host });
      assert.equal(own().hostname, 'web1');
    }),
  );

  it(
    'a released machine gets its own name again, and is released even when that is refused',
    inMaas({ host: { set_hostname: 'true' }, ready: 1 }, async ({ cloud, own, fake }) => {
      const [machine] = fake.world.machines.values();
      const name = machine?.hostname;
      const host = { apikey: fake.users[1]?.key ?? '', api_user: 'root' };
      if (machine !== undefined) machine.installs = 'badly';
      assert.equal((await cloud.call('create', { host })).exitCode, 1);
      assert.deepEqual([machine?.status, machine?.hostname], ['ready', name]);
      if (machine !== undefined) machine.installs = 'well';
      await cloud.ok('create', { host: { ...host, avoid_failed_minutes: '0' } });
      assert.equal(own().hostname, 'i-2-42-VM');
      fake.disturb(({ method }) => (method === 'PUT' ? plain(403, '') : undefined));
      await cloud.ok('delete', { host });
      assert.deepEqual([machine?.status, machine?.hostname], ['ready', 'i-2-42-VM']);
    }),
  );

  it(
    'never touches a machine of the built-in extension by its stored id',
    inMaas({}, async ({ cloud, fake, backend }) => {
      const theirs = fake.add({
        status: 'deployed',
        owner: 'cloudstack',
        powered: true,
        disk: 'precious',
      });
      cloud.change({ details: { 'External:maas_system_id': theirs.systemId } });
      const before = await backend.machines();
      for (const action of ['start', 'stop', 'reboot', 'delete', 'create', 'prepare']) {
        const { exitCode, text } = await cloud.call(action, { caller: admin });
        assert.equal(exitCode, 1, action);
        assert.match(text, /carries no mark.*outrigger adopt/, action);
      }
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      assert.deepEqual(await backend.machines(), before);
      // Left out of a list it would count as stopped, so that there is no list.
      const { exitCode } = await cloud.call('statuses', { host: { shared_user: 'false' } });
      assert.equal(exitCode, 1);
    }),
  );
});

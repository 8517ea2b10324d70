import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import { admin, alice } from '../../support/payloads.ts';
import { inMaas } from './scene.ts';

const hostile = [
  '../account',
  '..',
  '.',
  'a/b',
  'a b',
  'x\ny',
  '$(id)',
  'a&op=release',
  'a?op=release',
  'a#b',
  '"; DROP TABLE',
  '%2e%2e%2f',
  '\u202eevil',
  '[outrigger:{}]',
  'x'.repeat(5_000),
];

describe('hostile texts', () => {
  it(
    'in what an instance chooses never reach MAAS',
    inMaas({}, async ({ cloud, provider, fake, owned }) => {
      const { details } = cloud.vm;
      const keys = Object.keys(provider.blueprint).filter(
        (key) => !['user_data', 'ephemeral_deploy'].includes(key),
      );
      for (const key of keys) {
        for (const text of hostile) {
          // Blanks, brackets and commas are part of what these may hold.
          if (key === 'storage' && /^[\w.:,() -]+$/.test(text) && text.length < 300) continue;
          if (['pool', 'zone'].includes(key) && text === 'a b') continue;
          if (['tags', 'not_tags'].includes(key) && /^\.+$/.test(text)) continue;
          if (key === 'distro_series' && text === 'a/b') continue;
          if (key === 'architecture' && text === 'a/b') continue;
          cloud.change({ details: { ...details, [`External:${key}`]: text } });
          const { exitCode } = await cloud.call('create');
          assert.equal(exitCode, 1, `${key}=${JSON.stringify(text.slice(0, 40))}`);
        }
      }
      assert.equal(fake.seen.length, 0);
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'as a stored id lead to nothing but this instance’s machine',
    inMaas({}, async ({ cloud, fake, owned }) => {
      await cloud.deploy();
      const { details } = cloud.vm;
      for (const text of hostile) {
        cloud.change({ details: { ...details, 'External:maas_system_id': text } });
        assert.notEqual((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
        await cloud.ok('stop');
        await cloud.call('getconsole');
        await cloud.okCustom('GetIpAddresses');
      }
      cloud.change({ details: { 'External:maas_system_id': '../account' } });
      await cloud.ok('delete');
      assert.equal(owned().length, 0);
      for (const text of hostile) {
        cloud.change({ details: { 'External:maas_system_id': text } });
        await cloud.ok('stop');
        await cloud.ok('delete');
        assert.equal((await cloud.call('status')).exitCode, 1);
      }
      for (const { path } of fake.seen) {
        assert.match(path, /^\/(machines\/(sys\w+\/)?|users\/|events\/)$/);
      }
    }),
  );

  it(
    'that machines report about themselves are shown as one short line',
    inMaas({ ready: 1 }, async ({ cloud, fake }) => {
      const [machine] = [...fake.world.machines.values()];
      Object.assign(machine ?? {}, { hostname: 'evil\u0007\nname', installs: 'badly' });
      const { text } = await cloud.call('create');
      assert.doesNotMatch(text.trimEnd(), /\\u0007|\\n|\n/);
      assert.ok(text.length < 1_500);
    }),
  );

  it(
    'in parameters are refused',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const { disk } = own();
      const before = fake.seen.length;
      for (const distro_series of hostile.filter((text) => text !== 'a/b')) {
        const parameters = { distro_series, confirm: cloud.vm.name };
        const { exitCode } = await cloud.custom('Redeploy', parameters, { caller: admin });
        assert.equal(exitCode, 1);
      }
      assert.equal(own().disk, disk);
      assert.equal(fake.seen.length, before, 'MAAS was asked');
    }),
  );
});

describe('what a tenant reads', () => {
  it(
    'names no machine, host name, pool or user of MAAS',
    inMaas({}, async ({ cloud, own, fake }) => {
      await cloud.deploy();
      const { systemId, hostname } = own();
      const words = [systemId, hostname, 'cloudstack', fake.url, 'ipmi', 'BMC'];
      const read = async (): Promise<void> => {
        for (const action of ['reboot', 'delete', 'getconsole']) {
          const { exitCode, text } = await cloud.call(action, { caller: alice, timeoutSeconds: 3 });
          assert.equal(exitCode, 1, action);
          for (const word of words) assert.ok(!text.includes(word), `${action}: ${text}`);
          assert.match(text, /ref r-/);
        }
      };
      own().locked = true;
      await read();
      Object.assign(own(), { locked: false });
      fake.disturb(({ method }) => (method === 'POST' ? plain(500, `no ${systemId}`) : undefined));
      await read();
      fake.disturb(() => 'lost-request');
      await read();
    }),
  );
});

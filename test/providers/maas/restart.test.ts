import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxyPage } from '../../../fakes/maas/answers.ts';
import { admin } from '../../support/payloads.ts';
import { inMaas } from './scene.ts';

describe('a region that is being restarted behind its proxy', () => {
  it(
    'is waited for by every read of a change, and by a status as long as it may take',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      for (const action of ['status', 'stop', 'start', 'status']) {
        fake.restart(300);
        await cloud.ok(action);
      }
      fake.restart(300);
      await cloud.ok('delete');
      assert.equal(fake.seen.filter(({ op }) => op === 'release').length, 1);
      assert.throws(own);
    }),
  );

  it(
    'is waited for by a read that the proxy answers with 504 as well, but no change is sent again for one',
    inMaas({}, async ({ cloud, fake }) => {
      await cloud.deploy();
      const late = proxyPage(504, 'Gateway Time-out');
      for (const action of ['status', 'stop', 'start', 'delete']) {
        let left = 2;
        fake.disturb(({ method }) => {
          if (method !== 'GET' || left === 0) return undefined;
          left -= 1;
          return late;
        });
        await cloud.ok(action);
        assert.equal(left, 0, `${action} reads`);
        fake.disturb(undefined);
      }
      assert.equal(fake.seen.filter(({ op }) => op === 'release').length, 1);
    }),
  );

  it(
    'fails neither the claim of a machine nor its mark nor its deployment',
    inMaas({}, async ({ cloud, fake, own, owned }) => {
      for (const op of ['allocate', 'set_workload_annotations', 'deploy']) {
        let isUp = true;
        fake.disturb((request) => {
          if (!isUp || request.op !== op) return undefined;
          isUp = false;
          fake.restart(300);
          return proxyPage(502, 'Bad Gateway');
        });
        await cloud.ok('create');
        assert.equal(isUp, false, op);
        assert.equal(own().status, 'deployed');
        assert.equal(owned().length, 1);
        fake.disturb(undefined);
        await cloud.ok('delete');
      }
    }),
  );

  it(
    'is named as what it is once it takes too long',
    inMaas({}, async ({ cloud, fake }) => {
      await cloud.deploy();
      fake.restart(60_000);
      const { exitCode, text } = await cloud.call('status', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /proxy before MAAS does not reach it .*502.*restarted is back/);
    }),
  );
});

describe('two deployments that want one address', () => {
  it(
    'are both done: the one that MAAS refuses is tried again on the same machine',
    inMaas({ ready: 1 }, async ({ cloud, fake, own }) => {
      const [machine] = fake.world.machines.values();
      Object.assign(machine ?? {}, { addressRaces: 2 });
      await cloud.ok('create');
      assert.equal(own().status, 'deployed');
      assert.equal(fake.seen.filter(({ op }) => op === 'deploy').length, 3);
      assert.equal(fake.seen.filter(({ op }) => op === 'allocate').length, 1);
    }),
  );
});

describe('a name that MAAS refuses', () => {
  for (const [what, admin] of [
    ['to a user who is no administrator', false],
    ['since another machine has it', true],
  ] as const) {
    it(
      `does not fail a create: ${what}`,
      inMaas({ host: { set_hostname: 'true' } }, async ({ cloud, fake, own }) => {
        if (admin) fake.add({ hostname: cloud.vm.name, status: 'new' });
        const host = admin ? { apikey: fake.users[1]?.key ?? '', api_user: 'root' } : {};
        const { document } = await cloud.ok('prepare', { host });
        const { 'External:hostname': told } = document['details'] as Record<string, string>;
        await cloud.ok('create', { host });
        assert.notEqual(own().hostname, cloud.vm.name);
        if (!admin) assert.equal(told, own().hostname, 'CloudStack is told the name that it has');
        assert.match(cloud.allOutput(), /machine.misnamed/);
        await cloud.ok('delete', { host });
      }),
    );
  }
});

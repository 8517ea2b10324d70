import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inMaas, until } from './scene.ts';

function choose(cloud: Cloud, series: string): void {
  cloud.change({ details: { ...cloud.vm.details, 'External:distro_series': series } });
}

describe('a machine that failed', () => {
  it(
    'is passed over by the next create, on any management server',
    inMaas({ ready: 2 }, async ({ cloud, fake, own, owned }) => {
      const [bad] = [...fake.world.machines.values()];
      Object.assign(bad ?? {}, { installs: 'badly' });
      const { document } = await cloud.ok('prepare');
      assert.equal(own().systemId, bad?.systemId);
      // CloudStack keeps these, and hands them to every create that follows.
      const { details } = document as { details: Readonly<Record<string, string>> };
      cloud.change({ details: { ...cloud.vm.details, ...details } });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.equal(owned().length, 0);
      await cloud.ok('create');
      assert.notEqual(own().systemId, bad?.systemId);
      assert.equal(own().status, 'deployed');
    }),
  );

  it(
    'is passed over for one that fits and did not fail, however many there are before that',
    inMaas({ ready: 0, host: { match_offering: 'true' } }, async ({ cloud, fake, own }) => {
      const [first, second] = [fake.add({ installs: 'badly' }), fake.add({ installs: 'badly' })];
      fake.add({ cpus: 1 });
      const good = fake.add();
      for (const bad of [first, second]) {
        const { text } = await cloud.call('create');
        assert.match(text, new RegExp(`on machine ${bad?.systemId}.* failed`));
      }
      await cloud.ok('create');
      assert.equal(own().systemId, good.systemId);
      assert.equal(fake.seen.filter(({ op }) => op === 'deploy').length, 3);
    }),
  );

  it(
    'a machine that failed is not tried for hours even when there is no other',
    inMaas({ ready: 1 }, async ({ cloud, fake, owned }) => {
      const [bad] = [...fake.world.machines.values()];
      Object.assign(bad ?? {}, { installs: 'badly' });
      assert.equal((await cloud.call('create')).exitCode, 1);
      const deploys = (): number => fake.seen.filter(({ op }) => op === 'deploy').length;
      assert.equal(deploys(), 1);
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, new RegExp(`Only machines that failed lately.*${bad?.hostname}`));
      assert.equal(deploys(), 1);
      assert.equal(owned().length, 0);
      Object.assign(bad ?? {}, { installs: 'well' });
      await cloud.ok('create', { host: { avoid_failed_minutes: '0' } });
    }),
  );

  it(
    'a machine that failed while no call watched it is released by the next create and passed over',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.ok('prepare');
      const bad = own();
      bad.installs = 'badly';
      fake.world.life.deploy(bad);
      await until('the failure', () => bad.status === 'failed_deployment');
      await cloud.ok('create');
      assert.notEqual(own().systemId, bad.systemId);
      const release = fake.seen.find(({ op }) => op === 'release');
      assert.match(release?.body ?? '', /deployment%20of%20i-2-42-VM%20failed.*outrigger%3Afailed/);
    }),
  );

  for (const [when, shiftMinutes, isTried] of [
    ['half an hour ago', -30, false],
    ['two hours ago', -120, true],
    ['two hours from now, by a clock that was wrong', 120, true],
  ] as const) {
    it(
      `${when} is ${isTried ? 'tried again' : 'passed over'} where one hour is remembered`,
      inMaas({ ready: 1, host: { avoid_failed_minutes: '60' } }, async ({ cloud, fake }) => {
        const [machine] = [...fake.world.machines.values()] as [FakeMachine];
        const time = new Date(Date.now() + shiftMinutes * 60_000).toISOString().slice(0, 19);
        const note = `deployment of i-2-9-VM failed [outrigger:failed ${time}Z]`;
        fake.world.life.event(machine, 'DEBUG', 'User releasing node', note);
        const { exitCode, text } = await cloud.call('create');
        assert.equal(exitCode, isTried ? 0 : 1, text);
      }),
    );
  }

  it(
    'an image that does not install takes no machine from instances with another one',
    inMaas({ ready: 2 }, async ({ cloud, fake }) => {
      choose(cloud, 'ubuntu/noble');
      for (const machine of fake.world.machines.values()) machine.installs = 'badly';
      for (let turn = 0; turn < 3; turn += 1) {
        assert.equal((await cloud.call('create')).exitCode, 1);
      }
      const deploys = fake.seen.filter(({ op }) => op === 'deploy').length;
      assert.equal(deploys, 2, 'each machine was tried once for the instance');
      for (const machine of fake.world.machines.values()) machine.installs = 'well';
      const others = [cloud.another(), cloud.another().another()];
      for (const other of others) {
        choose(other, 'ubuntu/jammy');
        await other.ok('create');
      }
    }),
  );

  it(
    'a machine on which one system failed is left for last by the next instance with that system',
    inMaas({ ready: 2 }, async ({ cloud, fake, own }) => {
      const [bad, good] = [...fake.world.machines.values()] as [FakeMachine, FakeMachine];
      choose(cloud, 'ubuntu/noble');
      bad.installs = 'badly';
      assert.equal((await cloud.call('create')).exitCode, 1);
      const others = [cloud.another(), cloud.another().another()] as const;
      for (const other of others) choose(other, 'noble');
      await others[0].ok('create');
      assert.equal(good.status, 'deployed');
      bad.installs = 'well';
      await others[1].ok('create');
      assert.equal(bad.status, 'deployed', 'it is taken when no other is free');
      assert.throws(own);
    }),
  );

  it(
    'a machine on which two systems failed is to blame itself, until an administrator clears it',
    inMaas({ ready: 2 }, async ({ cloud, fake }) => {
      const [bad, good] = [...fake.world.machines.values()] as [FakeMachine, FakeMachine];
      good.status = 'new';
      bad.installs = 'badly';
      const others = [cloud, cloud.another(), cloud.another().another()] as const;
      for (const [at, series] of ['ubuntu/noble', 'ubuntu/jammy', 'ubuntu/focal'].entries()) {
        const each = others[at] ?? cloud;
        choose(each, series);
        const { exitCode, text } = await each.call('create', { caller: admin });
        assert.equal(exitCode, 1);
        if (at === 2) assert.match(text, /Only machines that failed lately.*ClearFailures/);
      }
      good.status = 'ready';
      const last = others[2];
      await last.ok('create');
      assert.equal(good.status, 'deployed');
      const { text } = await last.okCustom('ListMachines', {}, { caller: admin });
      assert.match(text, /2 failures, 0 min ago: ubuntu\/jammy, ubuntu\/noble/);
      const cleared = { system_id: bad.systemId };
      await last.okCustom('ClearFailures', cleared, { caller: admin });
      assert.deepEqual([bad.status, bad.owner], ['ready', '']);
      const after = await last.okCustom('ListMachines', {}, { caller: admin });
      assert.doesNotMatch(after.text, /failures?, /);
      bad.installs = 'well';
      await others[1].ok('create');
      assert.equal(bad.status, 'deployed');
    }),
  );

  it(
    'a machine without power is to blame for every instance and every system',
    inMaas({ ready: 1, host: { power_timeout_seconds: '1' } }, async ({ cloud, fake }) => {
      const [dead] = [...fake.world.machines.values()] as [FakeMachine];
      dead.bmc = 'fails';
      choose(cloud, 'ubuntu/noble');
      assert.equal((await cloud.call('create')).exitCode, 1);
      await until('its release', () => ['ready', 'failed_releasing'].includes(dead.status));
      Object.assign(dead, { bmc: 'works', status: 'ready' });
      const other = cloud.another();
      choose(other, 'ubuntu/jammy');
      const { text } = await other.call('create', { caller: admin });
      assert.match(text, /Only machines that failed lately/);
    }),
  );

  it(
    'ClearFailures says which machine it cannot have, and claims none',
    inMaas({ ready: 1 }, async ({ cloud, owned }) => {
      await cloud.deploy();
      const parameters = { system_id: 'nosuch' };
      const done = await cloud.custom('ClearFailures', parameters, { caller: admin });
      assert.equal(done.exitCode, 1);
      assert.match(done.text, /No machine with system ID nosuch available/);
      assert.equal(owned().length, 1);
    }),
  );

  it(
    'a failed machine whose events cannot be read is claimed like any other',
    inMaas({ ready: 1 }, async ({ cloud, fake }) => {
      fake.disturb(({ path }) =>
        path === '/events/' ? { status: 403, type: 'text/plain', body: '' } : undefined,
      );
      await cloud.deploy();
    }),
  );
});

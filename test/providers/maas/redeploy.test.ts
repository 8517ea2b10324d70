import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { formOf, inMaas, type MaasScene, until } from './scene.ts';

const redeploy = (cloud: Cloud, more: Readonly<Record<string, unknown>> = {}) =>
  cloud.custom('Redeploy', { confirm: cloud.vm.name }, { caller: admin, ...more });

function isBuilt({ own }: MaasScene): boolean {
  const mark = readMark(own().annotations['outrigger'] ?? '');
  return typeof mark === 'object' && mark.state === 'built';
}

describe('Redeploy', () => {
  const parameters = (cloud: Cloud, more = {}) => ({ confirm: cloud.vm.name, ...more });

  it(
    'installs another series on the same machine and keeps its mark',
    inMaas({}, async ({ cloud, own, owned }) => {
      await cloud.deploy();
      const { systemId, disk } = own();
      const wanted = parameters(cloud, { distro_series: 'ubuntu/noble' });
      await cloud.okCustom('Redeploy', wanted, { caller: admin });
      assert.equal(own().systemId, systemId);
      assert.notEqual(own().disk, disk);
      assert.equal(own().series, 'noble');
      assert.equal(owned().length, 1);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
    }),
  );

  const wrong: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['series', { distro_series: 'ubuntu/jammi' }, /no image of ubuntu\/jammi for amd64\/generic/],
    ['series of another system', { distro_series: 'centos70' }, /no image of ubuntu\/centos70/],
  ];
  for (const [what, more, why] of wrong) {
    it(
      `refuses a mistyped ${what} before anything of the instance is lost`,
      inMaas({}, async ({ cloud, fake, own, backend }) => {
        const { details } = cloud.vm;
        cloud.change({ details: { ...details, 'External:os': 'ubuntu' } });
        await cloud.deploy();
        const before = await backend.machines();
        const done = await cloud.custom('Redeploy', parameters(cloud, more), { caller: admin });
        assert.equal(done.exitCode, 1);
        assert.match(done.text, why);
        assert.match(done.text, /Nothing was done to .*there are: centos\/centos70, ubuntu\/focal/);
        assert.deepEqual(await backend.machines(), before);
        assert.equal(fake.seen.filter(({ op }) => op === 'release').length, 0);
        assert.equal(own().powered, true);
      }),
    );
  }

  it(
    'refuses a kernel and an architecture that MAAS has no image for before anything is lost',
    inMaas({}, async ({ cloud, own, backend }) => {
      await cloud.deploy();
      const { details } = cloud.vm;
      cloud.change({ details: { ...details, 'External:hwe_kernel': 'hwe-24.04' } });
      const before = await backend.machines();
      const kernel = await redeploy(cloud);
      assert.match(kernel.text, /MAAS has no kernel hwe-24.04 for ubuntu\/jammy/);
      assert.deepEqual(await backend.machines(), before);
      cloud.change({ details });
      own().architecture = 'arm64/generic';
      const other = await redeploy(cloud);
      assert.match(
        other.text,
        /no image of ubuntu\/jammy for arm64\/generic.*has no image for arm64\/generic/,
      );
      assert.equal(own().status, 'deployed');
      assert.equal([kernel.exitCode, other.exitCode].join(), '1,1');
    }),
  );

  it(
    'that fails keeps the machine, so that it can be repeated',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.deploy();
      own().installs = 'badly';
      const failed = await cloud.custom('Redeploy', parameters(cloud), { caller: admin });
      assert.equal(failed.exitCode, 1);
      assert.match(failed.text, /run Redeploy again/);
      assert.equal(own().status, 'failed_deployment');
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      assert.equal((await cloud.call('start')).exitCode, 1);
      await cloud.ok('stop');
      assert.equal(own().status, 'failed_deployment');
      own().installs = 'well';
      await cloud.okCustom('Redeploy', parameters(cloud), { caller: admin });
      const mark = readMark(own().annotations['outrigger'] ?? '');
      assert.ok(typeof mark === 'object' && mark.state === 'built');
    }),
  );

  it(
    'installs the series of the instance where no other is wanted, with all else as it was',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const script = '#!/bin/sh\nid';
      const chosen = { 'External:distro_series': 'noble', 'External:user_data': script };
      cloud.change({ details: { ...cloud.vm.details, ...chosen } });
      await cloud.okCustom('Redeploy', parameters(cloud), { caller: admin });
      assert.equal(own().series, 'noble');
      const other = parameters(cloud, { distro_series: 'ubuntu/focal' });
      await cloud.okCustom('Redeploy', other, { caller: admin });
      assert.equal(own().series, 'focal');
      const sent = formOf(fake, 'deploy').get('user_data') ?? '';
      assert.equal(Buffer.from(sent, 'base64').toString(), script);
    }),
  );

  // Erasing may take hours, and no call watches a release that long.
  const slow = { host: { erase: 'quick', release_watch_seconds: '0' }, timings: { eraseMs: 300 } };

  it(
    'erases like any other release, since the machine is free for a moment, and waits for that',
    inMaas(slow, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      assert.equal((await redeploy(cloud)).exitCode, 0);
      const { quick_erase, comment } = Object.fromEntries(formOf(fake, 'release'));
      assert.deepEqual([quick_erase, comment], ['true', 'i-2-42-VM is installed anew']);
      assert.equal(own().status, 'deployed');
    }),
  );

  it(
    'says so when the erasing fails, and erases again the next time',
    inMaas(slow, async ({ cloud, own }) => {
      await cloud.deploy();
      own().erases = 'badly';
      const { exitCode, text } = await redeploy(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /is stuck: it is .*Failed disk erasing.*run Redeploy again/);
      own().erases = 'well';
      assert.equal((await redeploy(cloud)).exitCode, 0);
      assert.equal(own().status, 'deployed');
    }),
  );

  it(
    'that ran out of time while disks were erased is gone on with by the next one',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 60_000 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const machine = own();
      assert.equal((await redeploy(cloud, { timeoutSeconds: 3 })).exitCode, 1);
      assert.equal(machine.status, 'disk_erasing');
      const again = redeploy(cloud);
      setTimeout(() => fake.world.life.free(machine), 200);
      assert.equal((await again).exitCode, 0);
      assert.equal(machine.status, 'deployed');
      assert.equal(fake.seen.filter(({ op }) => op === 'release').length, 1);
    }),
  );

  it(
    'is not for a machine that create has claimed and not finished',
    inMaas({}, async ({ cloud, own }) => {
      await cloud.ok('prepare');
      const { exitCode, text } = await redeploy(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /was never finished.*Stop the instance/);
      assert.equal(own().status, 'allocated');
    }),
  );

  it(
    'says so when another user of MAAS takes the machine while it is free',
    inMaas({}, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const machine = own();
      fake.disturb(({ op }) => {
        if (op === 'allocate') Object.assign(machine, { status: 'deployed', owner: 'juju' });
        return undefined;
      });
      const { exitCode, text } = await redeploy(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /another user of MAAS was faster to claim it.*has no machine now/);
      assert.equal(machine.owner, 'juju');
      assert.equal(machine.powered, false);
      // The key does not show whose machine it is by now: it may be the instance's in rescue mode.
      const refused = await cloud.call('delete', { caller: admin });
      assert.match(refused.text, /belongs to another MAAS user than cloudstack/);
      assert.match(refused.text, /take External:maas_system_id off the instance/);
      const { 'External:maas_system_id': _, ...details } = cloud.vm.details;
      cloud.change({ details });
      await cloud.ok('delete');
      assert.equal(machine.owner, 'juju');
    }),
  );

  it(
    'Redeploy claims no machine that the operator does not allow, even when the details name it',
    inMaas({ host: { allowed_machines: 'nothing' } }, async ({ cloud, fake, owned }) => {
      const [machine] = fake.world.machines.values();
      const id = machine?.systemId ?? '';
      const { details } = cloud.vm;
      const stored = { 'External:maas_system_id': id, 'External:maas_chosen': id };
      cloud.change({ details: { ...details, ...stored } });
      const { exitCode, text } = await redeploy(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /allowed_machines/);
      assert.equal(owned().length, 0);
    }),
  );
});

describe('a system that is being installed anew', () => {
  it(
    'is let come to its end before its machine is stopped',
    inMaas({ timings: { deployMs: 300 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const installed = redeploy(cloud);
      await until('the installation', () => deploys(scene) === 2);
      await cloud.ok('stop');
      assert.equal(own().status, 'deployed');
      assert.equal(own().powered, false);
      assert.equal((await installed).exitCode, 0);
      assert.ok(fake.seen.some(({ op }) => op === 'power_off'));
    }),
  );

  it(
    'is waited for by a stop also in the moment in which the machine reboots and is off',
    inMaas({ timings: { deployMs: 300 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      await cloud.deploy();
      const machine = own();
      fake.world.life.deploy(machine);
      let looks = 0;
      fake.disturb(({ method }) => {
        looks += Number(method === 'GET');
        if (looks === 1) {
          machine.powered = false;
          setTimeout(() => Object.assign(machine, { powered: true }), 100);
        }
        return undefined;
      });
      await cloud.ok('stop', { state: 'Running' });
      assert.deepEqual([own().status, own().powered], ['deployed', false]);
    }),
  );

  it(
    'is not interrupted by a stop that runs out of time, nor by a reboot',
    inMaas({ timings: { deployMs: 60_000 } }, async (scene) => {
      const { cloud, fake, own } = scene;
      fake.world.life.timings.deployMs = 20;
      await cloud.deploy();
      fake.world.life.timings.deployMs = 60_000;
      assert.equal((await redeploy(cloud, { timeoutSeconds: 2 })).exitCode, 1);
      assert.equal(own().status, 'deploying');
      const stopped = await cloud.call('stop', { timeoutSeconds: 2, caller: admin });
      assert.equal(stopped.exitCode, 1);
      assert.match(stopped.text, /waiting for the system of i-2-42-VM to be installed/);
      const rebooted = await cloud.call('reboot', { caller: admin });
      assert.equal(rebooted.exitCode, 1);
      assert.match(rebooted.text, /is being installed/);
      assert.ok(!fake.seen.some(({ op }) => op === 'power_off'));
    }),
  );
});

describe('a power failure in the middle of a Redeploy', () => {
  it(
    'when the machine is to be switched off leaves it to the instance, also after a stop',
    inMaas({}, async (scene) => {
      const { cloud, own, owned } = scene;
      await cloud.deploy();
      const { systemId } = own();
      own().bmc = 'fails';
      const { exitCode, text } = await redeploy(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /could not be switched off/);
      assert.equal(own().status, 'failed_releasing');
      await cloud.call('stop', { timeoutSeconds: 2 });
      assert.equal(own().status, 'failed_releasing');
      own().bmc = 'works';
      await cloud.ok('stop');
      assert.deepEqual([own().status, own().powered], ['failed_releasing', false]);
      assert.equal((await redeploy(cloud)).exitCode, 0);
      assert.deepEqual([own().systemId, own().status], [systemId, 'deployed']);
      assert.ok(isBuilt(scene));
      assert.equal(owned().length, 1);
    }),
  );

  for (const bmc of ['fails', 'refuses'] as const) {
    it(
      `when the installer is to be started (${bmc}) keeps the machine, so that it can be repeated`,
      inMaas({ host: { power_timeout_seconds: '1' } }, async (scene) => {
        const { cloud, fake, own, owned } = scene;
        await cloud.deploy();
        const { systemId } = own();
        fake.disturb(({ op }) => {
          if (op === 'deploy') own().bmc = bmc;
          return undefined;
        });
        const { exitCode, text } = await redeploy(cloud);
        assert.equal(exitCode, 1);
        assert.match(text, bmc === 'fails' ? /BMC did not answer/ : /has no power/);
        assert.match(text, /run Redeploy again/);
        fake.disturb(undefined);
        own().bmc = 'works';
        assert.equal((await redeploy(cloud)).exitCode, 0);
        assert.deepEqual([own().systemId, own().status], [systemId, 'deployed']);
        assert.ok(isBuilt(scene));
        assert.equal(owned().length, 1);
      }),
    );
  }
});

function deploys({ fake }: MaasScene): number {
  return fake.seen.filter(({ op }) => op === 'deploy').length;
}

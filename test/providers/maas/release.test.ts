import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plain } from '../../../fakes/maas/answers.ts';
import { admin } from '../../support/payloads.ts';
import { formOf, inMaas, until } from './scene.ts';

describe('giving a machine back', () => {
  const ways: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    none: {},
    quick: { erase: 'true', quick_erase: 'true' },
    secure: { erase: 'true', secure_erase: 'true' },
    full: { erase: 'true' },
  };
  for (const [erase, wanted] of Object.entries(ways)) {
    it(
      `erases its disks as the operator says: ${erase}`,
      inMaas({ host: { erase }, timings: { eraseMs: 10 } }, async ({ cloud, fake, own }) => {
        await cloud.deploy();
        const machine = own();
        await cloud.ok('delete');
        const { comment, ...form } = Object.fromEntries(formOf(fake, 'release'));
        assert.deepEqual(form, wanted);
        assert.equal(comment, `instance ${cloud.vm.name} was deleted`);
        assert.equal(machine.disk === 'empty', erase !== 'none');
      }),
    );
  }

  it(
    'succeeds once MAAS erases, and is idempotent until it is done',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 60_000 } }, async (scene) => {
      const { cloud, fake, owned } = scene;
      await cloud.deploy();
      const startedMs = performance.now();
      await cloud.ok('delete');
      assert.ok(performance.now() - startedMs < 5_000, 'delete does not wait for the disks');
      await cloud.ok('delete');
      await cloud.ok('stop');
      assert.deepEqual(
        owned().map(({ status: now }) => now),
        ['disk_erasing'],
      );
      assert.ok(!fake.seen.some(({ op }) => op === 'power_off'), 'without power nothing is erased');
    }),
  );

  it(
    'fails when the erasing fails at once, and is tried again',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 10 } }, async ({ cloud, own, owned }) => {
      await cloud.deploy();
      own().erases = 'badly';
      const { exitCode, text } = await cloud.call('delete', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /disks could not be erased: .*Erasing \/dev\/sda failed/);
      const [stuck] = owned();
      Object.assign(stuck ?? {}, { erases: 'well' });
      await cloud.ok('delete');
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'the stop after a failed create releases the machine that the create could not release',
    inMaas({ host: { erase: 'full' }, timings: { eraseMs: 10 }, ready: 1 }, async (scene) => {
      const { cloud, fake, owned } = scene;
      for (const machine of fake.world.machines.values()) {
        Object.assign(machine, { installs: 'badly', erases: 'badly' });
      }
      assert.equal((await cloud.call('create')).exitCode, 1);
      const [stuck] = owned();
      assert.equal(stuck?.status, 'failed_disk_erasing');
      Object.assign(stuck ?? {}, { erases: 'well' });
      await cloud.ok('stop', { state: 'Starting' });
      assert.equal(owned().length, 0);
    }),
  );

  it(
    'a release does not erase a machine that was only claimed',
    inMaas({ host: { erase: 'full' } }, async ({ cloud, fake, owned }) => {
      for (const action of ['stop', 'delete']) {
        await cloud.ok('prepare');
        await cloud.ok(action, { state: 'Starting', deploying: true });
        assert.equal(owned().length, 0);
        const { comment, ...form } = Object.fromEntries(formOf(fake, 'release'));
        assert.deepEqual(form, {});
        assert.equal(comment, `claim of ${cloud.vm.name} was not used`);
      }
    }),
  );

  it(
    'a release whose answer was lost checks the owner of the machine again',
    inMaas({ ready: 1 }, async ({ cloud, fake, own }) => {
      await cloud.deploy();
      const machine = own();
      const other = cloud.another();
      let lost = false;
      fake.disturb(({ op }) => {
        if (op !== 'release' || lost) return undefined;
        lost = true;
        // It is released, and the next instance has it before we ask again.
        fake.world.life.free(machine);
        Object.assign(machine, {
          owner: 'cloudstack',
          status: 'allocated',
          agentName: other.vm.uuid,
        });
        return 'lost-request';
      });
      await cloud.ok('delete');
      assert.equal(fake.seen.filter(({ op }) => op === 'release').length, 1);
      assert.equal(machine.status, 'allocated');
    }),
  );

  for (const status of [403, 404, 500]) {
    it(
      `succeeds although the machine cannot be watched any more (${status})`,
      inMaas({}, async ({ cloud, fake, own }) => {
        await cloud.deploy();
        const machine = own();
        fake.disturb(({ method, path, op }) => {
          const watched = method === 'GET' && op === '' && path.includes(machine.systemId);
          return watched && machine.agentName === '' ? plain(status, '') : undefined;
        });
        await cloud.ok('delete');
        await until('the release', () => machine.status === 'ready');
      }),
    );
  }

  it(
    'is asked for again while MAAS is too busy to say where the machine is, as a stop is',
    inMaas({}, async ({ cloud, fake, own, owned }) => {
      await cloud.deploy();
      let busy = 0;
      for (const action of ['stop', 'delete']) {
        busy = 1;
        fake.disturb(({ path }) =>
          path === '/machines/' && busy-- > 0 ? plain(503, 'busy') : undefined,
        );
        await cloud.ok(action);
        if (action === 'stop') assert.equal(own().powered, false);
      }
      assert.deepEqual(owned(), []);
    }),
  );

  it(
    'stop, reboot and delete refuse a locked machine until it is unlocked',
    inMaas({}, async ({ cloud, own, owned }) => {
      await cloud.deploy();
      await cloud.okCustom('Lock', {}, { caller: admin });
      await cloud.okCustom('Lock', {}, { caller: admin });
      assert.equal(own().locked, true);
      for (const [action, told] of [
        ['stop', /locked/],
        ['reboot', /locked/],
        ['delete', /is protected against removal; ask your administrator/],
      ] as const) {
        const { exitCode, text } = await cloud.call(action);
        assert.equal(exitCode, 1, action);
        assert.match(text, told, action);
        assert.match((await cloud.call(action, { caller: admin })).text, /locked in MAAS.*Unlock/);
      }
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      await cloud.okCustom('Unlock', {}, { caller: admin });
      await cloud.okCustom('Unlock', {}, { caller: admin });
      await cloud.ok('delete');
      assert.equal(owned().length, 0);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { commands } from '../../../fakes/winrm/commands.ts';
import { failureOf } from '../../support/http-client.ts';
import { hostScene, powersOf } from './host-scene.ts';

describe('the quotas of WinRM', () => {
  test('calls beyond MaxShellsPerUser wait for a shell, and all are answered', async (t) => {
    const it = await hostScene(t, { ms: 30_000 });
    it.fake.state.limits.shellsPerUser = 2;
    const all = await Promise.all(Array.from({ length: 6 }, () => powersOf(it)));
    assert.ok(all.every((powers) => powers.size === 1));
    assert.ok(it.fake.refusals() > 0, 'some had to wait');
    assert.equal(it.fake.openShells(), 0);
  });

  test('a request beyond MaxConcurrentOperationsPerUser waits, also in the middle of an action', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    fake.state.limits.operationsPerUser = 0;
    const asked = host.ask(commands.machines, {});
    await pause(500);
    assert.ok(fake.refusals() > 0);
    fake.state.limits.operationsPerUser = 1500;
    await asked;
    assert.deepEqual(fake.state.ran, ['machines', 'machines'], 'nothing was asked twice');
    assert.equal(fake.messages.filter((action) => action === 'Command').length, 1);
  });

  test('the error names the quota that stays reached', async (t) => {
    for (const [limits, quota] of [
      [{ shellsPerUser: 0 }, /allows no further shell .*MaxShellsPerUser/],
      [{ operationsPerUser: 0 }, /allows no further request .*MaxConcurrentOperationsPerUser/],
      [{ processesPerShell: 1 }, /ended with 1 .*Nicht genügend Quoten.*MaxProcessesPerShell/],
    ] as const) {
      const it = await hostScene(t, { ms: 1_500 });
      Object.assign(it.fake.state.limits, limits);
      const { message, advice = '' } = await failureOf(powersOf(it));
      assert.match(`${message} ${advice}`.replace(/\n/g, ' '), quota);
    }
  });
});

describe('a shell without requests for as long as its client said', () => {
  test('is ended with its process, and the next question is asked in a new one', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    fake.idleAfter(100);
    await pause(400);
    assert.equal(fake.openShells(), 0);
    fake.idleAfter(60_000);
    await host.ask(commands.machines, {});
    assert.equal(fake.messages.filter((action) => action === 'Command').length, 2);
    assert.equal(fake.openShells(), 1);
  });

  test('is not ended while a question is worked on', async (t) => {
    const { fake, host } = await hostScene(t);
    const uuid = '00000000-0000-4000-8000-000000000001';
    fake.state.locks.set(uuid, {});
    fake.idleAfter(200);
    const { got } = await host.ask(commands.lock, { uuid, forMs: 900 });
    assert.equal(got, false, 'the process waited for longer than the shell may be idle');
    assert.equal(fake.openShells(), 1);
  });
});

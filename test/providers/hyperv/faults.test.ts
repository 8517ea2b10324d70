import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commands } from '../../../fakes/winrm/commands.ts';
import { newMachine } from '../../../fakes/winrm/state.ts';
import { Failure } from '../../../src/failure.ts';
import { failureOf } from '../../support/http-client.ts';
import { hostScene, powersOf } from './host-scene.ts';

describe('a fault', () => {
  test('a fault because all shells are taken is waited out before anything was begun', async (t) => {
    const it = await hostScene(t);
    it.fake.next({ action: 'Create', code: 2150859173 });
    it.fake.next({ action: 'Command', code: 2150859174 });
    await powersOf(it);
    assert.deepEqual(it.fake.state.ran, ['machines']);
    assert.equal(it.fake.openShells(), 0);
  });

  test('a lasting fault because all shells are taken is reported as that, within the time', async (t) => {
    const it = await hostScene(t, { ms: 1_000 });
    it.fake.next({ action: 'Create', code: 2150859236, times: 100 });
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'conflict');
    assert.match(failure.message, /allows no further shell/);
    assert.match(failure.advice ?? '', /quotas of WinRM and of its plugins/);
    const users = await hostScene(t, { ms: 1_000 });
    users.fake.next({ action: 'Create', code: 2150859179, times: 100 });
    const { advice = '' } = await failureOf(powersOf(users));
    assert.match(advice, /MaxConcurrentUsers/);
    assert.doesNotMatch(advice, /MaxShellsPerUser/, 'that limit was not reached');
  });

  test('after the command was sent is never answered by sending it again', async (t) => {
    for (const mishap of [
      { action: 'Send', code: 995 },
      { action: 'Receive', code: 995 },
      { action: 'Receive', drop: true },
    ]) {
      const { fake, host } = await hostScene(t);
      fake.next(mishap);
      await failureOf(host.ask(commands.machines, {}));
      await host.close();
      assert.ok(fake.state.ran.length <= 1);
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 1);
      assert.equal(fake.openShells(), 0, 'the shell is taken away');
    }
  });

  test('a fault that means "still running" makes the driver ask again', async (t) => {
    const { fake, host } = await hostScene(t);
    fake.state.taskMs = 1_500;
    const machine = newMachine({ name: 'vm' });
    fake.state.machines.set(machine.id, machine);
    fake.next({ action: 'Receive', code: 2150858793, times: 2 });
    await host.ask(commands.power, { id: machine.id, proof: '', order: 'start' });
    assert.equal(machine.state, 'Running');
  });

  for (const [code, kind, text] of [
    [5, 'denied', /lets the account in but allows it nothing/],
    [2150859180, 'config', /does not allow remote shells/],
    [995, 'upstream', /failed while opening a shell \(995\)/],
  ] as const) {
    test(`${code} at the start means ${kind}`, async (t) => {
      const it = await hostScene(t);
      it.fake.next({ action: 'Create', code });
      const failure = await failureOf(powersOf(it));
      assert.equal(failure.kind, kind);
      assert.match(failure.message, text);
    });
  }

  test('a fault at the start of PowerShell makes the driver delete the shell', async (t) => {
    const it = await hostScene(t);
    it.fake.next({ action: 'Command', code: 995 });
    const failure = await failureOf(powersOf(it));
    assert.match(failure.message, /failed while starting PowerShell \(995\)/);
    assert.equal(it.fake.openShells(), 0);
  });

  test('about a shell that is lost says what was being done', async (t) => {
    const { fake, host } = await hostScene(t);
    fake.next({ action: 'Receive', code: 2150858843 });
    const failure = await failureOf(host.ask(commands.machines, {}));
    assert.match(failure.message, /lost our shell while listing/);
  });

  for (const [what, mishap] of [
    ['for a shell that is lost', { code: 2150858843 }],
    ['for an operation that was aborted', { code: 995 }],
    ['by a service that is down', { status: 503 }],
    ['by a connection that is closed', { drop: true }],
  ] as const) {
    test(`${what} after another question is answered by asking once more, in a new process`, async (t) => {
      const { fake, host } = await hostScene(t);
      await host.ask(commands.machines, {});
      fake.next({ action: 'Receive', ...mishap });
      await host.ask(commands.machines, {});
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 2);
      assert.equal(fake.openShells(), 1, 'the lost one is taken away');
      fake.next({ action: 'Receive', code: 2150858843, times: 2 });
      const failure = await failureOf(host.ask(commands.machines, {}));
      assert.match(failure.message, /lost our shell/, 'but not for ever');
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 3);
    });
  }

  test('after a fault the new process runs its opening step before any other question', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    let turns = 0;
    host.onRestart(async () => {
      turns += 1;
      if (turns < 3) throw new Failure('conflict', 'another action is at it');
    });
    fake.next({ action: 'Receive', drop: true });
    const first = await failureOf(host.ask(commands.machines, {}));
    assert.equal(first.kind, 'unreachable', 'what was lost is told');
    const second = await failureOf(host.ask(commands.machines, {}));
    assert.match(second.message, /another action is at it/);
    assert.deepEqual(fake.state.ran, ['machines', 'machines']);
    await host.ask(commands.machines, {});
    assert.equal(fake.openShells(), 1);
  });

  test('a fault after a step that must not be done twice ends the action', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    const disk = { path: 'D:\\Disks\\a.vhdx', parent: '', bytes: 1024 ** 3 };
    fake.next({ action: 'Receive', drop: true });
    await failureOf(host.ask(commands.disk, disk));
    assert.deepEqual(fake.state.ran, ['machines', 'disk']);
  });

  test('a fault while the shell is closed does not replace the answer to the question', async (t) => {
    const it = await hostScene(t);
    it.fake.next({ action: 'Signal', code: 995 });
    await powersOf(it);
    assert.equal(it.fake.openShells(), 0, 'it is closed all the same');
    it.fake.next({ action: 'Delete', code: 995 });
    await powersOf(it);
  });
});

describe('PowerShell', () => {
  test('the error for a slow PowerShell names the question that it was asked', async (t) => {
    const { fake, host } = await hostScene(t, { ms: 1_000 });
    fake.state.taskMs = 5_000;
    const machine = newMachine({ name: 'vm' });
    fake.state.machines.set(machine.id, machine);
    const asked = host.ask(commands.power, { id: machine.id, proof: '', order: 'start' });
    const failure = await failureOf(asked);
    assert.equal(failure.kind, 'timeout');
    assert.match(failure.message, /^Gave up after [\d.]+ s while changing its power$/);
  });

  test('that does not end when it is told to is ended after a few seconds, with its shell', async (t) => {
    const { fake, host } = await hostScene(t, { ms: 20_000 });
    await host.ask(commands.machines, {});
    fake.next({ action: 'Receive', code: 2150858793, times: 1e9 });
    const startedMs = performance.now();
    await host.close();
    assert.ok(
      performance.now() - startedMs < 12_000,
      'the close does not wait for it until the deadline',
    );
    assert.equal(fake.openShells(), 0);
  });

  test('the error says that a policy restricts PowerShell', async (t) => {
    const it = await hostScene(t);
    it.fake.state.languageMode = 'ConstrainedLanguage';
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'config');
    assert.match(failure.message, /runs in ConstrainedLanguage/);
  });

  test('that Windows does not let start is told in its words, with where to look', async (t) => {
    const it = await hostScene(t);
    it.fake.state.blocked = 'Das Programm wurde durch\r\ndie Gruppenrichtlinie geblockt.';
    const failure = await failureOf(powersOf(it));
    assert.match(failure.message, /ended with 1 while .*: Das Programm wurde durch die Gruppen/);
    assert.match(failure.advice ?? '', /event logs/);
    assert.equal(it.fake.openShells(), 0);
  });

  test('that prints something and ends is told in its own words, with the limits of a shell', async (t) => {
    const it = await hostScene(t);
    it.fake.state.lastWords = 'Nicht genügend Quoten verfügbar, um diesen Befehl zu verarbeiten.';
    const failure = await failureOf(powersOf(it));
    assert.match(failure.message, /ended with 1 while .*: Nicht genügend Quoten verfügbar/);
    assert.match(failure.advice ?? '', /MaxMemoryPerShellMB .* MaxProcessesPerShell/);
  });

  test('without the Hyper-V module is told as such, in a German error', async (t) => {
    const it = await hostScene(t);
    it.fake.state.noModule = true;
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'config');
    assert.match(failure.advice ?? '', /Install-WindowsFeature/);
  });

  for (const [trouble, kind] of [
    [{ id: 'X', category: 'PermissionDenied' }, 'denied'],
    [{ id: 'AccessDenied,Microsoft.X', category: 'NotSpecified' }, 'denied'],
    [{ id: 'OutOfMemory,Microsoft.X', category: 'FromStdErr' }, 'conflict'],
    [
      { id: 'Unspecified,X', category: 'NotSpecified', message: 'Fehler (0x800705AA).' },
      'conflict',
    ],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024784 }, 'conflict'],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024864 }, 'conflict'],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024857 }, 'conflict'],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024891 }, 'denied'],
    [{ id: 'X', category: 'NotSpecified', type: 'System.UnauthorizedAccessException' }, 'denied'],
    [{ id: 'UnauthorizedAccessException', category: 'NotSpecified' }, 'denied'],
    [{ id: 'X', category: 'NotSpecified', code: -2147024882 }, 'conflict'],
    [{ id: 'X', category: 'ResourceBusy' }, 'conflict'],
    [{ id: 'NamedParameterNotFound,Microsoft.X', category: 'InvalidArgument' }, 'unsupported'],
    [{ id: 'OperationFailed,Microsoft.X', category: 'NotSpecified' }, 'upstream'],
  ] as const) {
    test(`the error ${JSON.stringify(trouble)} of PowerShell means ${kind} with any text`, async (t) => {
      const { fake, host } = await hostScene(t);
      const error = { message: 'Недостаточно прав или что-то ещё', ...trouble };
      fake.state.errors.push({ step: 'machines', trouble: error, done: false });
      assert.equal((await failureOf(host.ask(commands.machines, {}))).kind, kind);
    });
  }

  test('that may not read a share gets the advice for the second hop', async (t) => {
    const { fake, host } = await hostScene(t);
    const trouble = {
      id: 'UnauthorizedAccessException',
      category: 'NotSpecified',
      message: 'nein',
    };
    fake.state.errors.push({
      step: 'copy',
      trouble: { ...trouble, type: 'System.UnauthorizedAccessException' },
      done: false,
    });
    const given = { from: '\\\\files\\t\\a.vhdx', to: 'D:\\Disks\\a.vhdx', forMs: 10 };
    const failure = await failureOf(
      host.ask(commands.copy, given, { paths: [given.from, given.to] }),
    );
    assert.match(failure.advice ?? '', /second hop/);
  });
});

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { silent } from '../../src/kit/log.ts';
import type { Context, Power } from '../../src/provider.ts';
import { type Host, openHost } from '../../src/providers/hyperv/client.ts';
import { hyperv } from '../../src/providers/hyperv/index.ts';
import type { Settings } from '../../src/providers/hyperv/settings.ts';
import { steps } from '../../src/providers/hyperv/steps.ts';
import { deadlineIn, failureOf } from '../kit/fakes/http-client.ts';
import { hostDetails } from './fakes/hyperv/backend.ts';
import { settingsOf } from './fakes/hyperv/scene.ts';
import { newMachine } from './fakes/hyperv/state.ts';
import { type FakeHyperV, type FakeOptions, startHyperV } from './fakes/hyperv/wsman.ts';

interface Scene {
  readonly fake: FakeHyperV;
  readonly host: Host;
  readonly context: Context;
  readonly settings: Settings;
}

interface SceneOptions extends FakeOptions {
  readonly details?: Readonly<Record<string, string>>;
  readonly ms?: number;
}

async function scene(t: TestContext, options: SceneOptions = {}): Promise<Scene> {
  const fake = await startHyperV(options);
  const settings = settingsOf({ ...hostDetails(fake), ...options.details });
  const context: Context = {
    deadline: deadlineIn(options.ms ?? 10_000),
    log: silent,
    installation: 'cloud',
    stateDirectory: () => '',
  };
  const host = openHost(settings, context);
  t.after(async () => {
    await host.close();
    await fake.close();
  });
  return { fake, host, context, settings };
}

async function powersOf({ settings, context }: Scene): Promise<ReadonlyMap<string, Power>> {
  const session = await hyperv.open(settings, context);
  return (await session.powers?.()) ?? new Map();
}

describe('one question', () => {
  test('takes at most 8 requests on one connection and leaves no shell', async (t) => {
    const it = await scene(t);
    await powersOf(it);
    const { fake } = it;
    assert.deepEqual(fake.messages, [
      'login',
      ...['Create', 'Command', 'Send', 'Receive', 'Receive', 'Signal', 'Delete'],
    ]);
    assert.ok(fake.server.seen.length <= 8);
    assert.equal(fake.server.connections(), 1);
    assert.equal(fake.openShells(), 0);
    assert.deepEqual(fake.complaints, []);
  });

  test('reads names in any writing', async (t) => {
    const { fake, host } = await scene(t);
    const names = ['Zürich 🦜', `'"\`$(x)`, ']]></a>', 'a\r\nb', 'x'.repeat(300)];
    for (const name of names) {
      const machine = newMachine({ name });
      fake.state.machines.set(machine.id, machine);
    }
    const { machines } = await host.ask(steps.machines, {}, { last: true });
    assert.deepEqual(machines.map(({ name }) => name).sort(), [...names].sort());
  });

  test('hands over texts in any writing as data', async (t) => {
    const { fake, host } = await scene(t);
    const machine = newMachine({ name: 'vm' });
    fake.state.machines.set(machine.id, machine);
    for (const notes of [
      `"; Remove-VM * -Force; '`,
      '$(calc)`n',
      'line\r\n#go\r\n</s:Body>',
      '🦜\ud83e',
      '@{',
      '\u2028',
    ]) {
      await host.ask(steps.notes, { id: machine.id, proof: '', notes });
      assert.equal(machine.notes, notes);
    }
    assert.deepEqual(fake.complaints, []);
    assert.equal(fake.state.machines.size, 1);
  });

  test('of several, all go to one PowerShell process', async (t) => {
    const { fake, host } = await scene(t);
    for (let i = 0; i < 5; i += 1) await host.ask(steps.machines, {});
    await host.close();
    assert.equal(fake.messages.filter((action) => action === 'Command').length, 1);
    assert.equal(fake.server.connections(), 1);
    assert.equal(fake.openShells(), 0);
  });
});

describe('a login', () => {
  test('is made anew when the server wants to know again, and nothing is done twice', async (t) => {
    const { fake, host } = await scene(t);
    await host.ask(steps.machines, {});
    fake.forgetLogins();
    await host.ask(steps.machines, {});
    assert.equal(fake.state.ran.length, 2);
    assert.equal(fake.messages.filter((action) => action === 'login').length, 3);
  });

  test('is made anew on the next connection when the server closes one', async (t) => {
    const { fake, host } = await scene(t);
    await host.ask(steps.machines, {});
    fake.closeAfter(1);
    await host.ask(steps.machines, {});
    await host.ask(steps.machines, {});
    assert.equal(fake.server.connections(), 2);
    assert.equal(fake.state.ran.length, 3);
  });

  test('with a wrong password fails once and is an outage', async (t) => {
    const it = await scene(t, { details: { password: 'wrong-one' } });
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'denied');
    assert.equal(failure.outage, true);
    assert.equal(it.fake.server.seen.length, 2);
    assert.doesNotMatch(failure.message, /wrong-one/);
  });

  test('by Basic is sent over TLS when it is asked for', async (t) => {
    const it = await scene(t, {
      offers: ['Negotiate', 'Basic'],
      details: { authentication: 'basic', username: 'svc-cloudstack' },
    });
    assert.equal((await powersOf(it)).size, 0);
    assert.equal(it.fake.messages.includes('login'), false);
  });

  test('that the server does not offer is told apart from a wrong password', async (t) => {
    const basic = await scene(t, { details: { authentication: 'basic', username: 'svc' } });
    const one = await failureOf(powersOf(basic));
    assert.equal(one.kind, 'config');
    assert.match(one.message, /does not offer Basic, only Negotiate/);
    const ntlm = await scene(t, { offers: ['Basic', 'Kerberos'] });
    assert.match((await failureOf(powersOf(ntlm))).message, /does not offer Negotiate/);
  });
});

describe('an address', () => {
  test('of plain http is refused', () => {
    const { url: _, ...rest } = hostDetails({ url: '' } as FakeHyperV);
    for (const url of [
      'http://hv1:5985',
      'HTTP://hv1',
      'ftp://hv1',
      'https://u:p@hv1',
      'a b',
      '',
    ]) {
      assert.throws(() => settingsOf({ ...rest, url }), { kind: 'config' }, url);
    }
  });

  test('is understood with and without its parts', () => {
    const rest = hostDetails({ url: '' } as FakeHyperV);
    const read = (url: string): string => settingsOf({ ...rest, url }).url;
    assert.equal(read('hv1'), 'https://hv1:5986');
    assert.equal(read('10.0.0.7'), 'https://10.0.0.7:5986');
    assert.equal(read('hv1:443'), 'https://hv1:443');
    assert.equal(read('https://hv1.example.org'), 'https://hv1.example.org:5986');
    assert.equal(read('https://hv1:5987/wsman/'), 'https://hv1:5987/wsman');
    assert.equal(read('fd00::7'), 'https://[fd00::7]:5986');
    assert.equal(read('[fd00::7]:443'), 'https://[fd00::7]:443');
  });

  test('where something else answers is not taken for WinRM', async (t) => {
    const { fake, context } = await scene(t);
    const settings = settingsOf({ ...hostDetails(fake), url: `${fake.url}/other` });
    const session = await hyperv.open(settings, context);
    const failure = await failureOf(session.powers?.() as Promise<unknown>);
    assert.equal(failure.kind, 'upstream');
    assert.match(failure.message, /404/);
    assert.equal(failure.outage, true);
  });
});

describe('a fault', () => {
  test('for lack of room is waited out before anything was begun', async (t) => {
    const it = await scene(t);
    it.fake.next({ action: 'Create', code: 2150859173 });
    it.fake.next({ action: 'Command', code: 2150859174 });
    await powersOf(it);
    assert.deepEqual(it.fake.state.ran, ['machines']);
    assert.equal(it.fake.openShells(), 0);
  });

  test('for lack of room that lasts is reported as that, within the time', async (t) => {
    const it = await scene(t, { ms: 1_000 });
    it.fake.next({ action: 'Create', code: 2150859236, times: 100 });
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'conflict');
    assert.match(failure.message, /no room for one more shell/);
  });

  test('after the command was sent is never answered by sending it again', async (t) => {
    for (const mishap of [
      { action: 'Send' },
      { action: 'Receive' },
      { action: 'Receive', drop: true },
    ]) {
      const { fake, host } = await scene(t);
      fake.next(mishap);
      await failureOf(host.ask(steps.machines, {}));
      await host.close();
      assert.ok(fake.state.ran.length <= 1);
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 1);
      assert.equal(fake.openShells(), 0, 'the shell is taken away');
    }
  });

  test('that only says "still running" is asked again', async (t) => {
    const { fake, host } = await scene(t);
    fake.state.taskMs = 1_500;
    const machine = newMachine({ name: 'vm' });
    fake.state.machines.set(machine.id, machine);
    fake.next({ action: 'Receive', code: 2150858793, times: 2 });
    await host.ask(steps.power, { id: machine.id, proof: '', order: 'start' });
    assert.equal(machine.state, 'Running');
  });

  for (const [code, kind, text] of [
    [5, 'denied', /lets the account in but allows it nothing/],
    [2150859180, 'config', /does not allow remote shells/],
    [995, 'upstream', /failed while opening a shell \(995\)/],
  ] as const) {
    test(`${code} at the start means ${kind}`, async (t) => {
      const it = await scene(t);
      it.fake.next({ action: 'Create', code });
      const failure = await failureOf(powersOf(it));
      assert.equal(failure.kind, kind);
      assert.match(failure.message, text);
    });
  }

  test('about a shell that is lost says that nobody knows what was done', async (t) => {
    const { fake, host } = await scene(t);
    fake.next({ action: 'Receive', code: 2150858843 });
    const failure = await failureOf(host.ask(steps.machines, {}));
    assert.match(failure.message, /lost our shell while listing/);
  });

  for (const code of [2150858843, 995, undefined]) {
    const what = code === undefined ? 'a closed connection' : `fault ${code}`;
    test(`of a question after another is asked once more after ${what}, in a new process`, async (t) => {
      const { fake, host } = await scene(t);
      await host.ask(steps.machines, {});
      fake.next({ action: 'Receive', ...(code === undefined ? { drop: true } : { code }) });
      await host.ask(steps.machines, {});
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 2);
      assert.equal(fake.openShells(), 1, 'the lost one is taken away');
      fake.next({ action: 'Receive', code: 2150858843, times: 2 });
      const failure = await failureOf(host.ask(steps.machines, {}));
      assert.match(failure.message, /lost our shell/, 'but not for ever');
      assert.equal(fake.messages.filter((action) => action === 'Command').length, 3);
    });
  }

  test('after a step that must not be done twice ends it', async (t) => {
    const { fake, host } = await scene(t);
    await host.ask(steps.machines, {});
    const disk = { path: 'D:\\Disks\\a.vhdx', parent: '', bytes: 1024 ** 3 };
    fake.next({ action: 'Receive', drop: true });
    await failureOf(host.ask(steps.disk, disk));
    assert.deepEqual(fake.state.ran, ['machines', 'disk']);
  });

  test('while the shell is closed is not the answer to the question', async (t) => {
    const it = await scene(t);
    it.fake.next({ action: 'Signal', code: 995 });
    await powersOf(it);
    it.fake.next({ action: 'Delete', code: 995 });
    await powersOf(it);
  });
});

describe('PowerShell', () => {
  test('that is restricted by policy is told as such', async (t) => {
    const it = await scene(t);
    it.fake.state.languageMode = 'ConstrainedLanguage';
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'config');
    assert.match(failure.message, /runs in ConstrainedLanguage/);
  });

  test('without the Hyper-V module is told as such, in a German error', async (t) => {
    const it = await scene(t);
    it.fake.state.noModule = true;
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'config');
    assert.match(failure.advice ?? '', /Install-WindowsFeature/);
  });

  for (const [trouble, kind] of [
    [{ id: 'AccessDenied,Microsoft.X', category: 'PermissionDenied' }, 'denied'],
    [{ id: 'OutOfMemory,Microsoft.X', category: 'FromStdErr' }, 'conflict'],
    [
      { id: 'Unspecified,X', category: 'NotSpecified', message: 'Fehler (0x800705AA).' },
      'conflict',
    ],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024784 }, 'conflict'],
    [{ id: 'IOException', category: 'NotSpecified', code: -2147024864 }, 'conflict'],
    [{ id: 'NamedParameterNotFound,Microsoft.X', category: 'InvalidArgument' }, 'unsupported'],
    [{ id: 'OperationFailed,Microsoft.X', category: 'NotSpecified' }, 'upstream'],
  ] as const) {
    test(`that says ${trouble.id} means ${kind}, whatever its text`, async (t) => {
      const { fake, host } = await scene(t);
      const error = { message: 'Недостаточно прав или что-то ещё', ...trouble };
      fake.state.errors.push({ step: 'machines', trouble: error, done: false });
      assert.equal((await failureOf(host.ask(steps.machines, {}))).kind, kind);
    });
  }

  test('that may not read a share gets the advice for the second hop', async (t) => {
    const { fake, host } = await scene(t);
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
    const failure = await failureOf(host.ask(steps.copy, given, { paths: [given.from, given.to] }));
    assert.match(failure.advice ?? '', /second hop/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { authority, readKey } from '../../../fakes/http/keys.ts';
import { commands } from '../../../fakes/winrm/commands.ts';
import { newMachine } from '../../../fakes/winrm/state.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import type { Settings } from '../../../src/providers/hyperv/settings.ts';
import { failureOf, nobody } from '../../support/http-client.ts';
import { hostDetails } from './backend.ts';
import { type HostScene, hostScene, powersOf } from './host-scene.ts';
import { oops, settingsOf } from './scene.ts';

describe('one question', () => {
  test('takes at most 8 requests on one connection and leaves no shell', async (t) => {
    const it = await hostScene(t);
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
    const { fake, host } = await hostScene(t);
    const names = ['Zürich 🦜', `'"\`$(x)`, ']]></a>', 'a\r\nb', 'x'.repeat(300)];
    for (const name of names) {
      const machine = newMachine({ name });
      fake.state.machines.set(machine.id, machine);
    }
    const { machines } = await host.ask(commands.machines, {}, { last: true });
    assert.deepEqual(machines.map(({ name }) => name).sort(), [...names].sort());
  });

  test('hands over texts in any writing as data', async (t) => {
    const { fake, host } = await hostScene(t);
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
      await host.ask(commands.notes, { id: machine.id, proof: '', unmarked: false, notes });
      assert.equal(machine.notes, notes);
    }
    assert.deepEqual(fake.complaints, []);
    assert.equal(fake.state.machines.size, 1);
  });

  test('of several, all go to one PowerShell process', async (t) => {
    const { fake, host } = await hostScene(t);
    for (let i = 0; i < 5; i += 1) await host.ask(commands.machines, {});
    fake.state.errors.push({ step: 'machines', trouble: oops, done: false });
    await failureOf(host.ask(commands.machines, {}));
    await host.ask(commands.machines, {});
    await host.close();
    assert.equal(fake.messages.filter((action) => action === 'Command').length, 1);
    assert.equal(fake.server.connections(), 1);
    assert.equal(fake.openShells(), 0);
  });
});

describe('a login', () => {
  test('is made anew when the server wants to know again, and nothing is done twice', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    fake.forgetLogins();
    await host.ask(commands.machines, {});
    assert.equal(fake.state.ran.length, 2);
    assert.equal(fake.messages.filter((action) => action === 'login').length, 3);
  });

  test('is made anew on the next connection when the server closes one', async (t) => {
    const { fake, host } = await hostScene(t);
    await host.ask(commands.machines, {});
    fake.closeAfter(1);
    await host.ask(commands.machines, {});
    await host.ask(commands.machines, {});
    assert.equal(fake.server.connections(), 2);
    assert.equal(fake.state.ran.length, 3);
  });

  test('with a wrong password fails once and is an outage', async (t) => {
    const it = await hostScene(t, { details: { password: 'wrong-one' } });
    const failure = await failureOf(powersOf(it));
    assert.equal(failure.kind, 'denied');
    assert.equal(failure.outage, true);
    assert.equal(it.fake.server.seen.length, 2);
    assert.match(failure.message, /EXAMPLE\\svc-cloudstack/);
    assert.match(failure.advice ?? '', /Protected Users/);
    assert.doesNotMatch(failure.message, /wrong-one/);
  });

  test('by Basic is sent over TLS when it is asked for', async (t) => {
    const it = await hostScene(t, {
      offers: ['Negotiate', 'Basic'],
      details: { authentication: 'basic', username: 'svc-cloudstack' },
    });
    assert.equal((await powersOf(it)).size, 1);
    assert.equal(it.fake.messages.includes('login'), false);
  });

  test('by Basic with a wrong password is told as such', async (t) => {
    const details = { authentication: 'basic', username: 'svc-cloudstack', password: 'wrong-one' };
    const failure = await failureOf(powersOf(await hostScene(t, { offers: ['Basic'], details })));
    assert.equal(failure.kind, 'denied');
    assert.equal(failure.outage, true);
    assert.match(failure.advice ?? '', /local accounts only/);
    assert.doesNotMatch(failure.message, /wrong-one/);
  });

  test('that the server does not offer is told apart from a wrong password', async (t) => {
    const basic = await hostScene(t, { details: { authentication: 'basic', username: 'svc' } });
    const one = await failureOf(powersOf(basic));
    assert.equal(one.kind, 'config');
    assert.match(one.message, /does not offer Basic, only Negotiate/);
    const ntlm = await hostScene(t, { offers: ['Basic', 'Kerberos'] });
    assert.match((await failureOf(powersOf(ntlm))).message, /does not offer Negotiate/);
  });
});

describe('a certificate', () => {
  test('is trusted when it is pinned, of a known authority, or not to be checked', async (t) => {
    const it = await hostScene(t, { details: { tls_fingerprint: '' } });
    const open = (trust: Partial<Settings>): HostScene => ({
      ...it,
      settings: { ...it.settings, ...trust },
    });
    const failure = await failureOf(powersOf(it));
    assert.match(failure.message, /unknown issuer/);
    assert.equal(it.fake.server.seen.length, 0, 'it is told nothing');
    await powersOf(open({ ca_file: authority() }));
    await powersOf(open({ verify_tls_certificate: false }));
    await failureOf(powersOf(open({ ca_file: readKey('self-signed').cert })));
  });
});

describe('an address', () => {
  test('to a port where no service listens is an outage, and the error names Hyper-V', async (t) => {
    const { url } = await nobody();
    const failure = await failureOf(powersOf(await hostScene(t, { details: { url } })));
    assert.equal(failure.kind, 'unreachable');
    assert.equal(failure.outage, true);
    assert.match(failure.message, /^Hyper-V at https/);
  });

  test('where something else answers is not taken for WinRM', async (t) => {
    const { fake, context } = await hostScene(t);
    const settings = settingsOf({ ...hostDetails(fake), url: `${fake.url}/other` });
    const session = verbsOf(hyperv, settings, context);
    const failure = await failureOf(session.powers() as Promise<unknown>);
    assert.equal(failure.kind, 'upstream');
    assert.match(failure.message, /404/);
    assert.equal(failure.outage, true);
  });
});

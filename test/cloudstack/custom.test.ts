import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Action, Parameter } from '../../src/contract/action.ts';
import { Failure } from '../../src/failure.ts';
import { text } from '../../src/kit/fields.ts';
import { providerOf, World } from '../lifecycle/memory-driver.ts';
import { makePlace, type Place } from '../support/world.ts';
import { type Entry, ledger } from './ledger.ts';
import { asOf421, changed, type Json, recorded } from './recorded.ts';

const wipe = (): Json => ({
  ...recorded('custom'),
  action: 'Wipe',
  parameters: { confirm: 'i-2-42-VM' },
});
const look = (parameters: Json = {}): Json => ({
  ...recorded('custom'),
  action: 'Look',
  parameters,
});
const admin = (payload: Json) => changed(payload, ['caller', 'roletype'], 'Admin');

describe('custom actions', () => {
  let answer: { message: string; rows?: Record<string, string | number>[] };
  const { provider, entries } = ledger({
    run: {
      Look: async (call) => {
        entries.push({ member: 'Look', given: [call], settings: {} });
        return answer;
      },
      Wipe: async (call) => {
        entries.push({ member: 'Wipe', given: [call], settings: {} });
        return { message: 'Wiped' };
      },
    },
  });
  let place: Place;
  before(() => {
    place = makePlace({ ledger: async () => provider });
  });
  beforeEach(() => {
    answer = { message: 'Looked' };
  });
  after(() => place.remove());
  const run = async (payload: Json, more = {}) =>
    place.call(String(payload['action']), payload, more);
  const ok = async (payload: Json) => {
    const done = await run(payload);
    assert.equal(done.exitCode, 0, done.text);
  };
  const given = () =>
    ((entries[entries.length - 1] as Entry).given[0] ?? {}) as Record<string, unknown>;

  it('a custom action runs under its name as people write it', async () => {
    for (const action of ['Look', 'look', 'LOOK', 'Lo ok', 'lo_ok', 'Lo-Ok']) {
      await ok({ ...look(), action });
    }
  });

  it('a parameter is found under its name as people write it, and contradictions are refused', async () => {
    await ok(look({ 'De-pth': 3, WORD: 'x', 'S u_re': true }));
    assert.deepEqual(given()['parameters'], { depth: 3, word: 'x', sure: true });
    await ok(look({ Depth: 3, depth: '3' }));
    const done = await run(look({ Depth: 3, depth: 4 }));
    assert.match(String(done.document['error']), /parameter "depth" is given twice/);
  });

  it('the payload tells a custom action from a built-in one of the same name', async () => {
    await ok({ ...look(), action: 'delete' });
    assert.equal((entries[entries.length - 1] as Entry).member, 'custom delete');
    const other = await place.call('delete', recorded('delete'));
    assert.equal(other.exitCode, 0, other.text);
    assert.equal((entries[entries.length - 1] as Entry).member, 'delete');
  });

  it('a custom action named delete fails as delete, not as the built-in action', async (t) => {
    const fail = async () => {
      throw new Failure('conflict', 'n7 says no');
    };
    const other = makePlace({ ledger: async () => ledger({ run: { delete: fail } }).provider });
    t.after(other.remove);
    const { document } = await other.call('delete', { ...look(), action: 'delete' });
    assert.match(String(document['error']), /^delete failed: it is busy/);
  });

  it('parameters are read from numbers, booleans and texts alike', async () => {
    for (const depth of [3, 3.0, '3', '3.0']) {
      await ok(look({ depth, word: ' x ', sure: 'true', undeclared: { deep: 1 } }));
      assert.deepEqual(given()['parameters'], { depth: 3, word: 'x', sure: true });
    }
    await ok(look({ depth: null, term: 'other word', sure: false }));
    assert.deepEqual(given()['parameters'], { depth: 1, word: 'other word', sure: false });
  });

  it('a handler gets the details of its action as policy', async () => {
    await ok(look());
    assert.deepEqual(given()['policy'], { vendor: 'acme' });
  });

  it('a failure names every wrong parameter, to tenants too', async () => {
    const done = await run(look({ depth: 'deep', word: ['x'], sure: 'perhaps' }));
    assert.equal(done.exitCode, 1);
    for (const part of [
      /"depth" must be a whole number/,
      /"word"/,
      /"sure" must be true or false/,
    ]) {
      assert.match(String(done.document['error']), part);
    }
  });

  it('an unknown action is refused with a suggestion and the list of actions', async () => {
    const done = await run({ ...look(), action: 'Lok' });
    assert.equal(done.exitCode, 1);
    assert.match(String(done.document['error']), /no custom action "Lok"; did you mean Look\?/);
    for (const action of ['constructor', '__proto__', 'toString']) {
      const inherited = await run({ ...look(), action });
      assert.match(String(inherited.document['error']), /no custom action "\w+"\. \(ref /);
    }
  });

  it('an action without a handler in its provider fails as an internal error', async () => {
    // The definition of an action whose handler its author has forgotten, over a real lifecycle.
    const { connect } = providerOf(new World());
    const incomplete = makePlace({ ledger: async () => ({ ...provider, connect }) });
    after(() => incomplete.remove());
    const done = await incomplete.call('Look', admin(look()));
    assert.equal(done.exitCode, 1);
    const error = String(done.document['error']);
    assert.match(error, /^Internal error: .* no handler for Look\. Please report/);
  });

  it('a call is refused when command line and payload name different actions', async () => {
    const done = await place.call('Wipe', look());
    assert.equal(done.exitCode, 1);
  });

  it('an action for administrators is refused to all other roles and to a call without a caller', async () => {
    const asked = entries.length;
    for (const roletype of ['User', 'DomainAdmin', 'ResourceAdmin', 'Emperor']) {
      const done = await run(changed(wipe(), ['caller', 'roletype'], roletype));
      assert.equal(done.exitCode, 1);
      assert.match(String(done.document['error']), /not allowed for your role/);
    }
    const unknown = await run(asOf421(wipe()));
    assert.match(String(unknown.document['error']), /for administrators/);
    assert.equal(entries.length, asked);
    await ok(admin(wipe()));
  });

  it('an action for administrators runs without a caller only where a detail of the host allows it', async () => {
    const allow = (level: string) =>
      changed(asOf421(wipe()), ['externaldetails', level], {
        ...((wipe()['externaldetails'] as Json)[level] as Json),
        admin_actions_without_caller: 'true',
      });
    assert.equal((await run(allow('host'))).exitCode, 0);
    assert.equal((await run(allow('virtualmachine'))).exitCode, 1);
    const stored = changed(
      asOf421(wipe()),
      ['cloudstack.vm.details', 'details', 'External:admin_actions_without_caller'],
      'true',
    );
    assert.equal((await run(stored)).exitCode, 1);
  });

  it('an action that destroys data needs the ID or the exact name of the instance', async () => {
    const { uuid } = wipe()['cloudstack.vm.details'] as { uuid: string };
    for (const confirm of ['i-2-42-VM', uuid, uuid.toUpperCase()]) {
      await ok(admin({ ...wipe(), parameters: { confirm } }));
      await ok(admin({ ...wipe(), parameters: { 'Con firm': confirm } }));
    }
    const other = uuid.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    for (const parameters of [
      {},
      { confirm: 'i-2-43-VM' },
      { confirm: 'I-2-42-VM' },
      { confirm: other },
      { confirm: 'true' },
    ]) {
      const done = await run(admin({ ...wipe(), parameters }));
      assert.equal(done.exitCode, 1);
      assert.match(String(done.document['error']), /"confirm"/);
    }
  });

  it('an action that builds gets the blueprint, also from CloudStack 4.21', async () => {
    await ok(admin(wipe()));
    assert.deepEqual(given()['blueprint'], { template_id: '9000', is_full_clone: false });
    const older = changed(
      asOf421(wipe()),
      ['externaldetails', 'host', 'admin_actions_without_caller'],
      'true',
    );
    await ok(older);
    assert.deepEqual(given()['blueprint'], { template_id: '9000', is_full_clone: false });
  });

  it('a custom action answers with a list of flat objects, which every release of the UI shows', async () => {
    const plain = await run(look());
    assert.deepEqual(plain.document, {
      status: 'success',
      printmessage: true,
      message: [{ Result: 'Looked.' }],
    });
    answer = { message: 'Two', rows: [{ Name: 'a', Size: 1 }] };
    assert.deepEqual((await run(look())).document['message'], [{ Name: 'a', Size: 1 }]);
  });

  it('a custom action shows no secret that a remote system repeats in its message', async () => {
    const secret = 'd3adbeef-0000-4000-8000-000000000001';
    answer = { message: `Looked with ${secret}` };
    assert.deepEqual((await run(look())).document['message'], [{ Result: 'Looked with ***.' }]);
    answer = { message: '', rows: [{ Name: secret, Size: 1 }] };
    assert.deepEqual((await run(look())).document['message'], [{ Name: '***', Size: 1 }]);
    answer = { message: `${'x'.repeat(30)} ${secret}` };
    const broken = JSON.stringify((await run(look())).document['message']);
    assert.doesNotMatch(broken, /d3ad/, 'a secret that a line break would divide');
  });

  it('a password among the parameters is shown nowhere, whichever of its names the call used', async (t) => {
    const { provider: plain } = ledger({
      run: {
        Look: async ({ parameters }) => {
          const given = parameters['code'] ?? parameters['key'];
          throw new Failure('upstream', 'Refused', { tenant: `"${given}" is wrong` });
        },
      },
    });
    const code: Parameter = {
      type: 'STRING',
      format: 'PASSWORD',
      about: 'The code',
      schema: text(),
      also: ['pin'],
    };
    const key: Parameter = { type: 'STRING', secret: true, about: 'The key', schema: text() };
    const Look = { ...(plain.actions['Look'] as Action), parameters: { code, key } };
    const other = makePlace({ ledger: async () => ({ ...plain, actions: { Look } }) });
    t.after(other.remove);
    for (const word of ['code', 'pin', 'key', 'Co de', 'PIN']) {
      const done = await other.call('Look', look({ [word]: ' geheim77 ' }));
      assert.match(String(done.document['error']), /^"\*\*\*" is wrong\. /);
      assert.doesNotMatch(JSON.stringify(other.log()), /geheim77/);
    }
  });

  it('a custom action that timed out names the time-out to set when CloudStack allowed too little', async () => {
    const { provider: slow } = ledger({
      run: { Look: () => new Promise(() => {}) },
    });
    const other = makePlace({ ledger: async () => slow });
    const asAdmin = await other.call('Look', admin(look()), { timeoutSeconds: 1 });
    assert.match(
      String(asAdmin.document['error']),
      /allowed 1 s, Look needs 60: updateCustomAction timeout=60/,
    );
    const asUser = await other.call('Look', look(), { timeoutSeconds: 1 });
    assert.match(
      String(asUser.document['error']),
      /ask your administrator to set the time-out .* to 60 s/,
    );
    other.remove();
    const gaveUp = async () => {
      throw new Failure('timeout', 'Gave up');
    };
    const { provider: late } = ledger({ run: { Look: gaveUp } });
    const enough = makePlace({ ledger: async () => late });
    const { document } = await enough.call('Look', admin(look()), { timeoutSeconds: 60 });
    assert.match(String(document['error']), /^Gave up\. \(ref /, 'it was not for lack of time');
    enough.remove();
  });
});

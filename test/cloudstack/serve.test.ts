import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Context } from '../../src/contract/context.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { Failure } from '../../src/failure.ts';
import { text } from '../../src/kit/fields.ts';
import { finish, makePlace, type Place } from '../support/world.ts';
import { ledger, type Members, refused } from './ledger.ts';
import { changed, recorded } from './recorded.ts';

/** A place with a provider that behaves like this. */
function placed(members: Members, config = {}): Place & { asked(): number } {
  const { provider, entries } = ledger(members);
  return { ...makePlace({ ledger: async () => provider }, config), asked: () => entries.length };
}

const fails = (error: unknown) => async (): Promise<never> => {
  throw error;
};
const never = (): Promise<never> => new Promise(() => {});
const tenantActions = ['stop', 'reboot', 'delete', 'getconsole'];

describe('a failure', () => {
  it('a failure is told in full where only the management server reads it', async (t) => {
    const place = placed({ create: fails(refused), start: fails(refused) });
    t.after(place.remove);
    for (const action of ['create', 'start']) {
      const { exitCode, document } = await place.call(action, recorded(action));
      assert.equal(exitCode, 1);
      assert.match(
        String(document['error']),
        /^Cannot reach node n7 of customer Zed: paper jam\. Look into tray 2\. \(ref r-\w{6}\)$/,
      );
    }
  });

  it('a failure names nothing beyond their own instance to tenants, and everything to an administrator', async (t) => {
    const place = placed({
      stop: fails(refused),
      reboot: fails(refused),
      delete: fails(refused),
      console: fails(refused),
    });
    t.after(place.remove);
    for (const action of tenantActions) {
      const tenant = await place.call(action, recorded(action));
      assert.doesNotMatch(tenant.text, /n7|Zed|tray|paper/);
      assert.match(
        String(tenant.document['error']),
        /^The instance could not be .*\(ref r-\w{6}\)$/,
      );
      const admin = await place.call(
        action,
        changed(recorded(action), ['caller', 'roletype'], 'Admin'),
      );
      assert.match(String(admin.document['error']), /n7 of customer Zed/);
      const older = await place.call(action, changed(recorded(action), ['caller'], undefined));
      assert.doesNotMatch(older.text, /n7|Zed|tray|paper/);
    }
  });

  it("a tenant reads the failure's sentence for tenants", async (t) => {
    const failure = new Failure('conflict', 'n7 says no', { tenant: 'It is being backed up' });
    const place = placed({ reboot: fails(failure) });
    t.after(place.remove);
    const { document } = await place.call('reboot', recorded('reboot'));
    assert.match(String(document['error']), /^It is being backed up\. \(ref r-\w{6}\)$/);
  });

  it("a failure tells a tenant nothing about the host's configuration", async (t) => {
    const place = placed({});
    t.after(place.remove);
    const broken = changed(recorded('reboot'), ['externaldetails', 'host'], {
      url_internal: 'n7.zed',
    });
    const { document, exitCode } = await place.call('reboot', broken);
    assert.equal(exitCode, 1);
    assert.match(String(document['error']), /its host is not set up correctly/);
    const custom = changed(recorded('custom'), ['externaldetails', 'host'], {
      url_internal: 'n7.zed',
    });
    const look = { ...custom, action: 'Look', parameters: {} };
    assert.match(
      String((await place.call('Look', look)).document['error']),
      /Look failed: its host is not set up/,
    );
  });

  it('a failure names no file to a tenant while the caller is unknown', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const missing = join(place.folder, 'gone.json');
    const broken = place.payload('{', 'broken.json');
    const run = (action: string, file: string, more = {}) =>
      place.call(action, {}, { file, ...more });
    const configFile = place.payload('{', 'config-2.json');
    for (const [action, start] of [
      ['stop', 'The instance could not be stopped: '],
      ['reboot', 'The instance could not be rebooted: '],
      ['delete', 'The instance could not be deleted: '],
      ['getconsole', 'The instance could not be shown on a console: '],
      ['Look', 'Look failed: '],
    ] as const) {
      for (const done of [
        await run(action, missing),
        await run(action, broken),
        await run(action, place.folder),
        await run(action, missing, { configFile, mayCreate: false }),
      ]) {
        const error = String(done.document['error']);
        assert.ok(error.startsWith(start), error);
        assert.match(error, /please tell your administrator\. \(ref r-\w{6}\)$/);
        assert.ok(!done.text.includes(place.folder), done.text);
      }
      const { document } = await run(action, missing);
      const line = place.log().find(({ ref }) => ref === document['ref']);
      assert.ok(String(line?.['error']).includes(missing), 'the log has it');
    }
    for (const action of ['create', 'start', 'status']) {
      assert.ok(
        (await run(action, missing)).text.includes(missing),
        'only the management server reads these',
      );
    }
  });

  it('the caller is known although another part of the payload is broken', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const broken = { ...recorded('reboot'), parameters: 7 };
    const tenant = await place.call('reboot', broken);
    assert.match(String(tenant.document['error']), /the request was not complete/);
    assert.equal(place.log()[0]?.['caller'], 'alice');
    const admin = changed(broken, ['caller', 'roletype'], 'Admin');
    const { document } = await place.call('reboot', admin);
    assert.match(
      String(document['error']),
      /^i-2-42-VM could not be rebooted: payload key "parameters" must be a map\. /,
    );
    const unknown = await place.call('reboot', changed(broken, ['caller'], 'alice'));
    assert.match(String(unknown.document['error']), /the request was not complete/);
  });

  it('the log holds a failure under its reference, with all facts that the answer leaves out', async (t) => {
    const place = placed({ reboot: fails(refused) });
    t.after(place.remove);
    const { document } = await place.call('reboot', recorded('reboot'));
    const line = place.log().find(({ event }) => event === 'call') ?? {};
    assert.equal(line['ref'], document['ref']);
    assert.match(String(document['error']), new RegExp(String(line['ref'])));
    assert.equal(typeof line['ms'], 'number');
    assert.deepEqual(
      [
        'level',
        'action',
        'vm',
        'name',
        'provider',
        'caller',
        'host',
        'outcome',
        'error',
        'owner',
      ].map((key) => line[key]),
      [
        'error',
        'reboot',
        '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
        'i-2-42-VM',
        'ledger',
        'alice',
        'ms1',
        'upstream',
        refused.message,
        'Zed',
      ],
    );
    assert.equal(statSync(place.logFile).mode & 0o777, 0o640);
  });

  it('the log line of a failure has everything that was known when the call failed', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const known = async (action: string, payload: unknown, more = {}) => {
      await place.call(action, payload, more);
      const line =
        place
          .log()
          .filter(({ event }) => event === 'call')
          .pop() ?? {};
      return ['action', 'caller', 'name', 'provider'].map((key) => line[key]);
    };
    const host = ['externaldetails', 'host'];
    const name = 'i-2-42-VM';
    const extension = ['externaldetails', 'extension', 'provider'];
    const missing = { file: join(place.folder, 'gone.json') };
    const wipe = { ...recorded('custom'), action: 'Wipe' };
    assert.deepEqual(await known('reboot', {}, missing), [
      'reboot',
      undefined,
      undefined,
      undefined,
    ]);
    assert.deepEqual(await known('rebot', recorded('reboot')), [
      'rebot',
      'alice',
      undefined,
      undefined,
    ]);
    assert.deepEqual(await known('reboot', changed(recorded('reboot'), extension, 'x')), [
      'reboot',
      'alice',
      name,
      undefined,
    ]);
    assert.deepEqual(await known('Wipe', wipe), ['Wipe', 'alice', name, 'ledger']);
    assert.deepEqual(await known('reboot', changed(recorded('reboot'), host, {})), [
      'reboot',
      'alice',
      name,
      'ledger',
    ]);
  });

  it('a secret of the settings is masked although the blueprint check throws it', async (t) => {
    const { provider } = ledger();
    const blueprintIssues: Provider['blueprintIssues'] = (_, settings) => {
      throw new Error(`No disk for ${settings['secret']}`);
    };
    const place = makePlace({ ledger: async () => ({ ...provider, blueprintIssues }) });
    t.after(place.remove);
    const { text } = await place.call('create', recorded('create'));
    assert.match(text, /No disk for \*\*\*/);
  });

  it('a secret of the blueprint is masked although a mistake elsewhere repeats it', async (t) => {
    const { provider } = ledger();
    const key = { about: 'Secret', schema: text(), secret: true } as const;
    const place = makePlace({ ledger: async () => ({ ...provider, blueprint: { key } }) });
    t.after(place.remove);
    const details = ['externaldetails', 'virtualmachine', 'key'];
    const made = changed(recorded('create'), details, 'geheim77');
    const wrong = changed(made, ['externaldetails', 'host', 'grace_seconds'], 'geheim77');
    const done = await place.call('create', wrong);
    assert.match(done.text, /grace_seconds.* is .*\*\*\*.* and must be a whole number/);
  });

  it('a custom action that fails before its provider is asked fails under its own name', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const custom = { ...recorded('custom'), action: 'look', parameters: {} };
    const broken = changed(custom, ['externaldetails', 'host'], {});
    const { document } = await place.call('look', broken);
    assert.match(String(document['error']), /^Look failed: its host is not set up correctly/);
    const unloadable = makePlace({
      ledger: async () => {
        throw new Error('no such module');
      },
    });
    t.after(unloadable.remove);
    const named = { ...recorded('custom'), action: 'delete', parameters: {} };
    const failed = await unloadable.call('delete', named);
    assert.match(String(failed.document['error']), /^delete failed: something went wrong/);
  });

  it('a failure shows no secret, neither in the answer nor in the log', async (t) => {
    const secrets = ['d3adbeef-0000-4000-8000-000000000001', 'Xk3vP0cUQ9sZJw'];
    const failure = new Failure('upstream', `It said ${secrets.join(' and ')}`, {
      cause: new Error(`with ${secrets[0]}`),
      facts: { header: `Token ${secrets[0]}`, password: 'not in the payload' },
    });
    const place = placed({ create: fails(failure), power: fails(new Error(secrets.join())) });
    t.after(place.remove);
    for (const action of ['create', 'status']) {
      const { text } = await place.call(action, recorded(action));
      const log = JSON.stringify(place.log());
      for (const secret of [...secrets, 'not in the payload']) {
        assert.ok(!text.includes(secret) && !log.includes(secret), `${action} shows ${secret}`);
      }
      assert.match(text, /\*\*\*/);
    }
  });

  it('an unforeseen error is one sentence in the answer and a stack in the log', async (t) => {
    const place = placed({ create: fails(new TypeError('x is not a function')) });
    t.after(place.remove);
    const { document, text } = await place.call('create', recorded('create'));
    assert.match(String(document['error']), /x is not a function\. Please report it/);
    assert.doesNotMatch(text, /at .*\.(ts|js)/);
    assert.match(JSON.stringify(place.log()), /TypeError: x is not a function\\n +at /);
  });

  it('any thrown value becomes one answer', async (t) => {
    const own = new Error('of itself');
    own.cause = own;
    for (const thrown of ['text', 7, null, undefined, { odd: true }, Object.create(null), own]) {
      const place = placed({ create: fails(thrown) });
      t.after(place.remove);
      const { exitCode, document } = await place.call('create', recorded('create'));
      assert.equal(exitCode, 1);
      assert.equal(document['status'], 'error');
      if (thrown === 'text') assert.match(String(document['error']), /Internal error: text\. /);
    }
  });
});

describe('the time', () => {
  it('a call whose provider waits for ever ends before CloudStack kills it', async (t) => {
    const place = placed({ create: never });
    t.after(place.remove);
    const started = Date.now();
    // The process is as old as that when its work begins.
    const clock = () => 400 + Date.now() - started;
    const { exitCode, document } = await place.call('create', recorded('create'), {
      timeoutSeconds: 1,
      clock,
    });
    assert.ok(Date.now() - started < 950, `${Date.now() - started} ms`);
    assert.equal(exitCode, 1);
    assert.match(
      String(document['error']),
      /raise StartCommand in the global setting "commands\.timeout"/,
    );
  });

  it("a time-out names CloudStack's setting for the action", async (t) => {
    const late = fails(new Failure('timeout', 'Gave up'));
    const advised = fails(new Failure('timeout', 'Gave up', { advice: 'Look there' }));
    const place = placed({ stop: late, delete: late, power: late, reboot: advised });
    t.after(place.remove);
    const advice = async (action: string) => {
      const admin = changed(recorded(action), ['caller'], { name: 'a', roletype: 'Admin' });
      const { document } = await place.call(action, admin, { timeoutSeconds: 40 });
      return String(document['error']).replace(/ \(ref .*/, '');
    };
    const allowed = 'CloudStack allowed 40 s: if the system is only slow, raise';
    assert.equal(
      await advice('stop'),
      `Gave up. ${allowed} StopCommand in the global setting "commands.timeout" (or "wait").`,
    );
    assert.equal(await advice('delete'), `Gave up. ${allowed} the global setting "wait".`);
    assert.equal(await advice('status'), 'Gave up.', 'Outrigger limits its time itself');
    assert.equal(
      await advice('reboot'),
      'Gave up. Look there.',
      'the own advice of a failure is kept',
    );
  });

  it('a provider has time left to undo, and the answer is its failure', async (t) => {
    let context: Context | undefined;
    let undone = 0;
    const place = placed({
      opening: (given) => {
        context = given;
      },
      create: async () => {
        const { deadline } = context as Context;
        try {
          await deadline.within(never(), 'copying the disk');
        } catch (error) {
          await deadline.forUndo().sleep(50, 'undoing');
          undone = Date.now();
          throw error;
        }
      },
    });
    t.after(place.remove);
    const { document } = await place.call('create', recorded('create'), { timeoutSeconds: 1 });
    assert.ok(undone > 0);
    assert.match(String(document['error']), /^Gave up after 0\.\d s while copying the disk\./);
  });

  it('a status call gets little time, whatever CloudStack allows', async (t) => {
    const limits: number[] = [];
    const place = placed({ opening: ({ deadline }) => void limits.push(deadline.remainingMs()) });
    t.after(place.remove);
    await place.call('status', recorded('status'), { timeoutSeconds: 1800 });
    await place.call('statuses', recorded('statuses'), { timeoutSeconds: 1800 });
    await place.call('create', recorded('create'), { timeoutSeconds: 1800 });
    const [status = 0, statuses = 0, create = 0] = limits;
    assert.ok(status > 4_000 && status < 8_000, String(status));
    assert.ok(statuses > 10_000 && statuses < 20_000, String(statuses));
    assert.ok(create > 1_700_000 && create < 1_799_000, String(create));
  });

  it('a signal ends the call early, with undo and one answer', async (t) => {
    let context: Context | undefined;
    const place = placed({
      opening: (given) => {
        context = given;
      },
      create: () => (context as Context).deadline.within(never(), 'copying the disk'),
    });
    t.after(place.remove);
    const call = place.begin(['create', place.payload(recorded('create')), '1800']);
    setTimeout(() => call.interrupt('Stopped by SIGTERM'), 30);
    const { exitCode, document } = await finish(call);
    assert.equal(exitCode, 1);
    assert.match(String(document['error']), /^Stopped by SIGTERM while copying the disk/);
  });

  it('a call ends some seconds after a signal even when the provider ignores its deadline', async (t) => {
    const place = placed({ create: never });
    t.after(place.remove);
    const call = place.begin(['create', place.payload(recorded('create')), '1800']);
    const startedMs = performance.now();
    call.interrupt('Stopped by SIGTERM');
    const { exitCode, document } = await finish(call);
    assert.ok(performance.now() - startedMs < 8_000);
    assert.equal(exitCode, 1);
    assert.match(String(document['error']), /^Stopped by SIGTERM/);
  });

  it('a call that a signal ended blames no setting and is not remembered as an outage', async (t) => {
    let context: Context | undefined;
    const place = placed({
      opening: (given) => {
        context = given;
      },
      power: () => (context as Context).deadline.within(never(), 'asking for the power'),
      create: () => (context as Context).deadline.within(never(), 'copying the disk'),
    });
    t.after(place.remove);
    for (const action of ['create', 'status']) {
      const call = place.begin([action, place.payload(recorded(action)), '30']);
      setTimeout(() => call.interrupt('Stopped by SIGTERM'), 30);
      const { document } = await finish(call);
      assert.match(String(document['error']), /^Stopped by SIGTERM while \w+ \w+ \w+\w*\W/);
      assert.doesNotMatch(String(document['error']), /allowed|raise|wait"/);
    }
    const asked = place.asked();
    const again = place.begin(['status', place.payload(recorded('status')), '30']);
    setTimeout(() => again.interrupt('Stopped by SIGTERM'), 30);
    await finish(again);
    assert.equal(place.asked(), asked + 1, 'the next call asks again');
  });

  it('an error that escapes is answered once, and the later end of the work is ignored', async (t) => {
    let end: (value: undefined) => void = () => {};
    const place = placed({ create: () => new Promise((resolve) => (end = resolve)) });
    t.after(place.remove);
    mkdirSync(join(place.folder, 'home/extensions/x'), { recursive: true });
    const name = 'home/extensions/x/0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001.json';
    const file = place.payload(recorded('create'), name);
    const call = place.begin(['create', file, '1800']);
    setTimeout(() => {
      call.crash(new Error('escaped'));
      call.crash(new Error('again'));
      end(undefined);
    }, 30);
    assert.match(String((await finish(call)).document['error']), /escaped/);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(place.log().filter(({ event }) => event === 'call').length, 1);
    assert.ok(existsSync(file), 'the payload of a failure is kept');
  });
});

describe('an outage', () => {
  const outage = () => new Failure('unreachable', 'Cannot reach ledger.test: connection refused');

  it('an outage is remembered after one status call, so that hundreds of others cost little', async (t) => {
    const place = placed({ power: fails(outage()), powers: fails(outage()) });
    t.after(place.remove);
    for (let count = 0; count < 300; count += 1) {
      const { exitCode, document } = await place.call('status', recorded('status'));
      assert.equal(exitCode, 1);
      assert.match(String(document['error']), /connection refused/);
      assert.equal(document['power_state'], undefined);
    }
    assert.equal(place.asked(), 1);
    assert.equal((await place.call('statuses', recorded('statuses'))).exitCode, 1);
    assert.equal(place.asked(), 1, 'the same endpoint serves both');
  });

  it('a status call that runs out of time counts as an outage, any other call does not', async (t) => {
    const late = fails(new Failure('timeout', 'Gave up'));
    const place = placed({ power: late, reboot: late });
    t.after(place.remove);
    await place.call('reboot', recorded('reboot'));
    for (let count = 0; count < 2; count += 1) await place.call('status', recorded('status'));
    assert.equal(place.asked(), 2);
  });

  it('the failure memo holds no secret', async (t) => {
    const secret = 'd3adbeef-0000-4000-8000-000000000001';
    const advice = `Renew ${secret}`;
    const place = placed({ power: fails(new Failure('denied', secret, { advice, outage: true })) });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    const memos = join(place.folder, 'log/outrigger-memo');
    const [file = ''] = readdirSync(memos);
    const { kind, message, advice: kept } = JSON.parse(readFileSync(join(memos, file), 'utf8'));
    assert.deepEqual([kind, message, kept], ['denied', '***', 'Renew ***']);
    assert.deepEqual(
      [statSync(memos).mode & 0o777, statSync(join(memos, file)).mode & 0o777],
      [0o700, 0o600],
    );
  });

  it('an outage is forgotten when any action succeeds, and does not stop other actions', async (t) => {
    const place = placed({ power: fails(outage()) });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    assert.equal((await place.call('start', recorded('start'))).exitCode, 0);
    await place.call('status', recorded('status'));
    assert.equal(place.asked(), 3);
  });

  it('an outage of one endpoint does not count for another endpoint or for new credentials', async (t) => {
    const place = placed({ power: fails(outage()) });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    await place.call('status', recorded('status', 'ledger', { url: 'https://other.test' }));
    await place.call('status', recorded('status', 'ledger', { secret: 'renewed' }));
    assert.equal(place.asked(), 3);
  });

  it('an outage is forgotten after its time and when the clock was set back', async (t) => {
    const place = placed({ power: fails(outage()) });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    const at = (seconds: number) => ({ time: () => new Date(Date.now() + seconds * 1000) });
    await place.call('status', recorded('status'), at(29));
    assert.equal(place.asked(), 1);
    await place.call('status', recorded('status'), at(31));
    assert.equal(place.asked(), 2);
    await place.call('status', recorded('status'), at(-3600));
    assert.equal(place.asked(), 3);
  });

  it('no outage is remembered where the configuration sets 0 seconds', async (t) => {
    const place = placed({ power: fails(outage()) });
    t.after(place.remove);
    const inside = { file: place.logFile };
    const configFile = place.payload({ log: inside, memo: { seconds: 0 } }, 'config-2.json');
    const now = new Date();
    for (let count = 1; count <= 3; count += 1) {
      await place.call('status', recorded('status'), { configFile, time: () => now });
      assert.equal(place.asked(), count);
    }
  });

  it('a failure about one instance is not remembered as an outage', async (t) => {
    const place = placed({ power: fails(new Failure('not-found', 'There is no such machine')) });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    await place.call('status', recorded('status'));
    assert.equal(place.asked(), 2);
  });

  it('a memo is neither kept nor believed in a directory that another user could have prepared', async (t) => {
    const place = placed({ power: fails(outage()) });
    t.after(place.remove);
    mkdirSync(join(place.folder, 'log/outrigger-memo'), { mode: 0o777 });
    await place.call('status', recorded('status'));
    await place.call('status', recorded('status'));
    assert.equal(place.asked(), 2);
    const memos = join(place.folder, 'log/outrigger-memo');
    assert.deepEqual(readdirSync(memos), []);
    chmodSync(memos, 0o700);
    for (let count = 0; count < 2; count += 1) await place.call('status', recorded('status'));
    assert.equal(place.asked(), 3, 'it may be remembered there now');
    chmodSync(memos, 0o770);
    await place.call('status', recorded('status'));
    assert.equal(place.asked(), 4, 'a memo that another user could have changed is not believed');
    chmodSync(memos, 0o700);
    await place.call('status', recorded('status'), { uid: 4711 });
    assert.equal(
      place.asked(),
      5,
      'nor one that another user has made, even if its mode is closed',
    );
  });
});

describe('what is left on disk', () => {
  it('a call by root or by an operator creates no file', async (t) => {
    const place = placed({ power: fails(new Failure('unreachable', 'Refused')) });
    t.after(place.remove);
    await place.call('status', recorded('status'), { mayCreate: false });
    assert.deepEqual(readdirSync(join(place.folder, 'log')), []);
    writeFileSync(place.logFile, '');
    await place.call('status', recorded('status'), { mayCreate: false });
    assert.equal(place.log().length > 0, true, 'an existing log is written to');
  });

  it('successful status calls are logged at level debug only', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const quiet = placed({}, { log: { file: place.logFile } });
    t.after(quiet.remove);
    await quiet.call('status', recorded('status'));
    assert.equal(existsSync(place.logFile), false);
    await quiet.call('start', recorded('start'));
    assert.equal(place.log().filter(({ event }) => event === 'call').length, 1);
  });

  it("CloudStack's payload file is deleted after a success and stays after a failure", async (t) => {
    const place = placed({ stop: fails(refused) });
    t.after(place.remove);
    const uuid = '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001.json';
    mkdirSync(join(place.folder, 'home/extensions/My Extension'), { recursive: true });
    const own = (name = uuid) => `home/extensions/My Extension/${name}`;
    const run = async (action: string, name: string, more = {}) => {
      place.payload(recorded(action), name);
      const file = `${place.folder}/${name}`;
      await place.call(action, {}, { file, ...more });
      return existsSync(file);
    };
    assert.equal(await run('start', own()), false);
    assert.equal(await run('stop', own()), true);
    assert.equal(await run('start', own('by-hand.json')), true, 'not one that CloudStack named');
    assert.equal(await run('start', uuid), true, 'not in the directory of CloudStack');
    assert.equal(await run('start', `home/extensions/../${uuid}`), true, 'nor above it');
    assert.equal(await run('start', `home/extensions/${uuid}`), true, 'nor right inside it');
    assert.equal(await run('start', own(), { home: undefined }), true);
  });

  it('every payload file stays where the configuration says so', async (t) => {
    const place = placed({}, { keep_payloads: true });
    t.after(place.remove);
    mkdirSync(join(place.folder, 'home/extensions/x'), { recursive: true });
    const file = place.payload(
      recorded('start'),
      'home/extensions/x/0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001.json',
    );
    await place.call('start', {}, { file });
    assert.equal(existsSync(file), true);
  });
});

describe('the configuration', () => {
  it('the configuration sets how long a status may take', async (t) => {
    const place = placed({ power: never }, { status_seconds: 2 });
    t.after(place.remove);
    const startedMs = performance.now();
    const { exitCode } = await place.call('status', recorded('status'), { timeoutSeconds: 60 });
    assert.equal(exitCode, 1);
    assert.ok(performance.now() - startedMs < 5_000, 'not the usual 8 s');
    for (const status_seconds of [1, 61, 2.5, '10']) {
      const wrong = placed({}, { status_seconds });
      t.after(wrong.remove);
      const { text } = await wrong.call('status', recorded('status'));
      assert.match(text, /status_seconds.* must be a whole number from 2 to 60/);
    }
  });

  it('a broken configuration fails every call and names all its mistakes', async (t) => {
    const place = placed({}, { keep_payloads: 'yes', logs: {}, memo: { seconds: -1 } });
    t.after(place.remove);
    const { exitCode, document } = await place.call('status', recorded('status'));
    assert.equal(exitCode, 1);
    for (const part of [
      '"keep_payloads" must be true or false, not a text',
      '"logs" is not known',
      '"memo.seconds" must be at least 0',
    ]) {
      assert.ok(String(document['error']).includes(part), `${part} in ${document['error']}`);
    }
    writeFileSync(join(place.folder, 'config.json'), '{');
    // The place of the log is unknown now, and a test must not write to the default one.
    const { text } = await place.call('status', recorded('status'), { mayCreate: false });
    assert.match(text, /config\.json cannot be read: it is no JSON/);
  });

  it('a list in place of the configuration, or of a part of it, is no object', async (t) => {
    const place = placed({}, { memo: [] });
    t.after(place.remove);
    const call = async (): Promise<string> => {
      const { document } = await place.call('status', recorded('status'), { mayCreate: false });
      return String(document['error']);
    };
    assert.match(await call(), /"memo" must be an object, not a list/);
    writeFileSync(join(place.folder, 'config.json'), '[]');
    assert.match(await call(), /its content must be an object, not a list/);
  });

  it('the log settings of a broken configuration still count', async (t) => {
    const place = placed({}, { keep_payloads: 'yes' });
    t.after(place.remove);
    const { document } = await place.call('reboot', recorded('reboot'));
    assert.match(String(document['error']), /its host is not set up correctly/);
    const [line] = place.log();
    assert.equal(line?.['ref'], document['ref']);
    assert.match(String(line?.['error']), /"keep_payloads"/);
    const log = { file: place.logFile, enabled: false };
    const silenced = placed({}, { log, keep_payloads: 'yes' });
    t.after(silenced.remove);
    await silenced.call('reboot', recorded('reboot'));
    assert.equal(place.log().length, 1);
  });

  it('a pipe in place of the configuration is refused without reading it', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const configFile = join(place.folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [configFile]).status, 0);
    const { text } = await place.call('status', recorded('status'), {
      configFile,
      mayCreate: false,
    });
    assert.match(text, /it is not a regular file/);
  });

  it('a missing configuration is an empty one', async (t) => {
    const place = placed({});
    t.after(place.remove);
    const configFile = join(place.folder, 'nowhere.json');
    assert.equal((await place.call('status', recorded('status'), { configFile })).exitCode, 0);
  });

  it('the configuration says where state is kept; without it and HOME, the error names the setting', async (t) => {
    const keep = (members = {}) =>
      placed({ ...members, opening: (context) => void context.stateDirectory('ledger') });
    const place = keep();
    t.after(place.remove);
    assert.equal((await place.call('status', recorded('status'))).exitCode, 0);
    const made = join(place.folder, 'home/.local/state/outrigger/ledger');
    assert.equal(statSync(made).mode & 0o777, 0o700);
    const homeless = await place.call('status', recorded('status'), { home: undefined });
    assert.match(
      String(homeless.document['error']),
      /HOME is not set.*"state_directory" in .*config\.json/,
    );
    const refusal = async (more = {}) =>
      String((await place.call('status', recorded('status'), more)).document['error']);
    assert.match(await refusal({ uid: 4711 }), /it belongs to another user/);
    chmodSync(made, 0o755);
    assert.match(await refusal(), /other users may read it/);
    rmSync(made, { recursive: true });
    writeFileSync(made, '');
    assert.match(await refusal(), /EEXIST.*Set "state_directory" in .*config\.json/);
  });
});

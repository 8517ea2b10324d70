import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '../../src/cloudstack/config.ts';
import type { Account } from '../../src/commands/doctor/account.ts';
import { once } from '../../src/commands/doctor/finding.ts';
import { payloadChecks } from '../../src/commands/doctor/payloads.ts';
import { type Statfs, spaceChecks } from '../../src/commands/doctor/space.ts';
import { runCommand } from '../../src/commands/run.ts';
import type { Check } from '../../src/contract/provider.ts';
import { registry } from '../../src/providers/index.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

/** The owner of a folder of the test, as whom CloudStack would run. */
function owner(): Account & { readonly home: string } {
  const home = temporaryDirectory();
  chmodSync(home, 0o755);
  return { name: 'owner', uid: process.getuid?.() ?? 0, gids: [], home };
}

describe('doctor and the room that is left', () => {
  const config = (folder: string) => {
    const file = join(folder, 'config.json');
    mkdirSync(join(folder, 'log'));
    const log = { file: join(folder, 'log/outrigger.log') };
    writeFileSync(file, JSON.stringify({ log, state_directory: join(folder, 'state') }));
    return readConfig(file);
  };
  const judged = (statfs: Statfs): Check | undefined => {
    const account = owner();
    const [check, ...more] = spaceChecks(config(account.home), account, statfs);
    assert.deepEqual(more, [], 'all lie on one file system');
    return check;
  };
  const room = (mebibytes: number, ffree = 1000): Statfs => {
    return () => ({ bavail: mebibytes * 256, bsize: 4096, ffree, files: 10_000 });
  };

  test('log, memo, state and payloads on one file system are one line with what is free', () => {
    const check = judged(room(5000));
    assert.equal(check?.state, 'ok');
    assert.match(check?.found ?? '', /: 5000 MiB free for log, memo, state, payloads$/);
  });

  test('little room is a warning, hardly any a failure, and so is a lack of inodes', () => {
    assert.equal(judged(room(127))?.state, 'warn');
    assert.equal(judged(room(7))?.state, 'fail');
    const check = judged(room(5000, 0));
    assert.equal(check?.state, 'fail');
    assert.match(check?.found ?? '', /no file can be made any more/);
  });

  test('the true room of this machine is shown', async () => {
    const { home } = owner();
    config(home);
    const world = createWorld({
      registry,
      env: { OUTRIGGER_CONFIG: join(home, 'config.json'), HOME: home },
    });
    await runCommand(['doctor', '--user', 'no-such-user'], world);
    assert.match(world.printed(), /(ok|warn|fail) +space +\S+: \d+ MiB free for log/);
  });
});

describe('doctor and the directory of the payloads', () => {
  const check = (account: Account): Check | undefined => payloadChecks(account)[0];

  test('a directory that only the service may enter is right, one for all users is a warning', () => {
    const account = owner();
    const directory = join(account.home, 'extensions');
    assert.match(check(account)?.found ?? '', /extensions will be made by CloudStack$/);
    mkdirSync(directory, { mode: 0o750 });
    assert.equal(check(account)?.state, 'ok');
    chmodSync(directory, 0o755);
    assert.equal(check(account)?.state, 'warn');
    assert.match(check(account)?.found ?? '', /every user .* may enter .* secrets/);
  });

  test('a directory in which the service may not write fails: no call gets a payload', () => {
    const account = owner();
    const other = { ...account, uid: 4_000_000 };
    assert.equal(check(other)?.state, 'warn', 'it may not even make it');
    mkdirSync(join(account.home, 'extensions'), { mode: 0o755 });
    assert.equal(check(other)?.state, 'fail');
    assert.match(check(other)?.found ?? '', /cannot call any extension/);
  });

  test('payload files that CloudStack has left for days are counted', () => {
    const account = owner();
    const folder = join(account.home, 'extensions/Gone');
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    const file = join(folder, '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001.json');
    writeFileSync(file, '{}');
    const daysAgo = Date.now() / 1000 - 3 * 86_400;
    utimesSync(file, daysAgo, daysAgo);
    assert.match(check(account)?.found ?? '', /^1 payload file in .*, older than two days/);
  });
});

test('doctor says the same finding once, and names the first check that fails for a reason', () => {
  const layer = 'network' as const;
  const refused = { state: 'fail', found: 'The certificate is not the pinned one' } as const;
  const said = once([
    { layer, name: 'TLS', ...refused, advice: 'Pin it' },
    { layer, name: 'TLS', ...refused, advice: 'Pin it' },
    { layer: 'provider', name: 'login', ...refused },
    { layer: 'provider', name: 'rights', state: 'ok', found: 'yes' },
    { layer: 'provider', name: 'pool', state: 'ok', found: 'yes' },
  ]);
  assert.deepEqual(
    said.map(({ name, state }) => `${name} ${state}`),
    ['TLS fail', 'login skipped', 'rights ok', 'pool ok'],
  );
  assert.equal(said[1]?.found, 'fails for the same reason as TLS');
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCommand } from '../../src/commands/run.ts';
import { createFileLog } from '../../src/kit/log-file.ts';
import { createRedactor } from '../../src/kit/redact.ts';
import { builtFile, spawnFile } from '../support/spawned.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly complained: string;
}

interface Place {
  readonly file: string;
  readonly config: string;
  /** Writes one call as the service does, with these events before its end. */
  call(facts: Readonly<Record<string, unknown>>, ...events: string[]): void;
}

const uuid = '11111111-2222-4333-8444-555555555555';

/** A log in a folder of the test; calls come a minute apart, the first at 10:00. */
function place(): Place {
  const folder = temporaryDirectory();
  const file = join(folder, 'outrigger.log');
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ log: { file } }));
  let minute = 0;
  return {
    file,
    config,
    call(facts, ...events) {
      const time = new Date(Date.UTC(2026, 10, 24, 10, minute));
      const call = `77-${minute}`;
      minute += 1;
      const { outcome, error, ...rest } = facts;
      const who = { ref: `r-00000${minute}`, call, pid: 77, host: 'mgmt1', ...rest };
      const target = { file, level: 'debug', mayCreate: true, mostBytes: 1e9, keep: 5 } as const;
      const log = createFileLog(
        target,
        () => who,
        () => time,
        () => createRedactor([]),
      );
      for (const event of events) log(event, { machine: 'sim-1' });
      if (outcome !== undefined) log('call', { ms: 12, outcome, error });
    },
  };
}

async function run({ config }: Place, words: readonly string[], env: object = {}): Promise<Ran> {
  const world = createWorld({ env: { OUTRIGGER_CONFIG: config, ...env } });
  const code = await runCommand(['log', ...words], world);
  return { code, printed: world.printed(), complained: world.complained() };
}

const ours = { vm: uuid, name: 'i-2-42-VM' };

describe('log', () => {
  test('log shows the calls of an instance in order, with their steps', async () => {
    const where = place();
    where.call({ ...ours, action: 'create', outcome: 'success', caller: 'admin' }, 'create.begun');
    where.call({ vm: 'other', name: 'i-2-43-VM', action: 'start', outcome: 'success' });
    where.call({ ...ours, action: 'stop', outcome: 'timeout', error: 'Gave up after 9 s' });
    for (const asked of [uuid, uuid.toUpperCase(), 'i-2-42-VM']) {
      const { code, printed } = await run(where, ['--vm', asked]);
      assert.equal(code, 0);
      assert.match(
        printed,
        /^2026-11-24 10:00:00Z {2}create i-2-42-VM \S+ on mgmt1 for admin {2}success 12 ms ref r-000001\n {4}\+0 ms create\.begun machine=sim-1\n2026-11-24 10:02:00Z {2}stop .* timeout 12 ms ref r-000003\n {4}Gave up after 9 s$/,
      );
    }
  });

  test('log finds the lines of calls that were written before the instance was known', async () => {
    const where = place();
    where.call({ ...ours, action: 'start', outcome: 'success' });
    const text = readFileSync(where.file, 'utf8').trimEnd();
    const { vm: _, name: __, ...early } = { ...JSON.parse(text), event: 'early' };
    appendFileSync(where.file, `${JSON.stringify(early)}\n`);
    assert.match((await run(where, ['--vm', uuid])).printed, /early/);
  });

  test('log --failed shows only failed calls, killed ones included', async () => {
    const where = place();
    where.call({ ...ours, action: 'start', outcome: 'success' });
    where.call({ ...ours, action: 'CreateSnapshot' }, 'snapshot.begun');
    where.call({ ...ours, action: 'stop', outcome: 'unreachable', error: 'no way there' });
    const { printed } = await run(where, ['--failed']);
    assert.doesNotMatch(printed, / start /);
    assert.match(printed, /CreateSnapshot .* no end ref r-000002\n {4}\+0 ms snapshot\.begun/);
    assert.match(printed, /no way there/);
  });

  test('log tells a call that is still running on this server from one that was killed', async (t) => {
    const where = place();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 9e9)', 'create']);
    t.after(() => child.kill('SIGKILL'));
    const here = { ...ours, host: hostname(), pid: child.pid };
    where.call({ ...here, action: 'create' }, 'create.begun');
    assert.match((await run(where, [])).printed, / create .* still running ref r-000001/);
    assert.equal((await run(where, ['--failed'])).code, 1, 'nothing has failed');
    where.call({ ...here, action: 'stop' }, 'stop.begun');
    where.call({ ...here, host: 'mgmt2', action: 'create' }, 'create.begun');
    const { printed } = await run(where, ['--failed']);
    assert.match(printed, / stop .* no end ref r-000002/, 'its process has become another');
    assert.match(printed, /on mgmt2 +no end ref r-000003/);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    assert.match((await run(where, ['--failed'])).printed, / create .* no end ref r-000001/);
  });

  test('log finds one call by its reference', async () => {
    const where = place();
    where.call({ ...ours, action: 'start', outcome: 'success' });
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    const { printed } = await run(where, ['--ref', 'r-000002', '--json']);
    const { calls } = JSON.parse(printed) as { calls: { action: string }[][] };
    assert.deepEqual(
      calls.map(([line]) => line?.action),
      ['stop'],
    );
  });

  test('log leaves out calls that are older than --since', async () => {
    const where = place();
    where.call({ ...ours, action: 'start', outcome: 'success' });
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    const { printed } = await run(where, ['--since', '2026-11-24T10:00:30Z']);
    assert.doesNotMatch(printed, / start /);
    assert.match(printed, / stop /);
    assert.equal((await run(where, ['--since', '2126-01-01'])).code, 1);
  });

  test('log reads rotated files, of Outrigger and of logrotate', async () => {
    const where = place();
    where.call({ ...ours, action: 'create', outcome: 'success' });
    writeFileSync(`${where.file}-20261124.gz`, gzipSync(readFileSync(where.file)));
    writeFileSync(where.file, '');
    where.call({ ...ours, action: 'start', outcome: 'success' });
    writeFileSync(`${where.file}.1`, readFileSync(where.file));
    writeFileSync(where.file, '');
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    writeFileSync(`${where.file}.rotating`, 'not a log');
    const { printed } = await run(where, []);
    assert.match(printed, / create [\s\S]* start [\s\S]* stop /);
    assert.equal(printed.split('\n').length, 3);
  });

  test('log reads as many lines as the kept files can hold', async () => {
    const where = place();
    writeFileSync(where.file, '{"time":"2026-11-24T09:00:00Z","event":"x"}\n'.repeat(200_000));
    where.call({ ...ours, ref: 'r-last00', action: 'stop', outcome: 'success' });
    const { code, printed, complained } = await run(where, ['--ref', 'r-last00']);
    assert.deepEqual([code, complained], [0, '']);
    assert.match(printed, / stop i-2-42-VM /);
  });

  test('log shows the rest when one file cannot be read, such as one half compressed', async () => {
    const where = place();
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    writeFileSync(`${where.file}.2.gz`, gzipSync('x'.repeat(1000)).subarray(0, 20));
    const { code, printed, complained } = await run(where, []);
    assert.equal(code, 1);
    assert.match(printed, / stop i-2-42-VM /);
    assert.match(complained, /outrigger\.log\.2\.gz cannot be read \(Z_BUF_ERROR\)\.$/);
  });

  test('log finds calls that a broken configuration made fail, in the file that the configuration names', async () => {
    const where = place();
    where.call({ ref: 'r-broken', action: 'stop', outcome: 'config', error: 'Mend that file' });
    writeFileSync(where.config, JSON.stringify({ log: { file: where.file }, memo: 7 }));
    assert.match((await run(where, ['--ref', 'r-broken'])).printed, /Mend that file/);
  });

  test('log waits for a slow reader of its output', () => {
    const where = place();
    const line = '{"time":"2026-11-24T09:00:00Z","event":"x"}\n';
    writeFileSync(where.file, line.repeat(5000));
    const { output } = spawnFile(builtFile, ['log', '--file', where.file], {
      through: '"$@" | (sleep 8; wc -l)',
    });
    assert.equal(output.trim(), '10000');
  });

  test('log skips half a line of a process that was killed', async () => {
    const where = place();
    where.call({ ...ours, action: 'create', outcome: 'success' });
    appendFileSync(
      where.file,
      '{"time":"2026-11-24T10:05:00.000Z","eve\n[1]\nnull\n{"time":"?"}\n',
    );
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    assert.equal((await run(where, [])).printed.split('\n').length, 2);
  });

  test('log shows control characters and does not obey them', async () => {
    const where = place();
    const error = 'said \u001b[2Jhello\u202e';
    where.call({ ...ours, name: 'i-\u001b]0;x\u0007', action: 'stop', outcome: 'upstream', error });
    const { printed } = await run(where, []);
    assert.match(printed, /said \\x1B\[2Jhello\\u\{202E\}/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    assert.doesNotMatch(printed, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  test('log says that nothing was found, or that there is no log, with exit code 1', async () => {
    const where = place();
    const none = await run(where, []);
    assert.equal(none.code, 1);
    assert.match(none.complained, /There is no log \S+outrigger\.log/);
    where.call({ ...ours, action: 'stop', outcome: 'success' });
    const other = await run(where, ['--vm', 'i-9-9-VM']);
    assert.deepEqual([other.code, other.printed], [1, '']);
  });

  test('log leaves no file behind', async () => {
    const where = place();
    await run(where, []);
    assert.ok(!existsSync(where.file));
  });
});

/** An ssh that runs the command right here, with another server's log in place of this one's. */
function fakeSsh(from: string, to: string): { readonly PATH: string } {
  const folder = temporaryDirectory();
  const script = `#!/bin/sh
echo "$*" >'${folder}/words'
for word; do shift; test "$word" = -- && break; done
test "$1" = root@down && { echo "ssh: connect to host down port 22: refused" >&2; exit 255; }
shift
exec sh -c "$(printf '%s' "$*" | sed 's#${from}#${to}#g')"
`;
  writeFileSync(join(folder, 'ssh'), script);
  chmodSync(join(folder, 'ssh'), 0o755);
  return { PATH: `${folder}:${process.env['PATH']}` };
}

describe('log of several servers', () => {
  test('log sorts the lines of several servers into one order', async () => {
    const [here, there] = [place(), place()];
    here.call({ ...ours, action: 'create', outcome: 'success' });
    there.call({ ...ours, host: 'mgmt2', action: 'unseen', outcome: 'success' });
    writeFileSync(`${there.file}.1.gz`, gzipSync(readFileSync(there.file)));
    writeFileSync(there.file, '');
    there.call({ ...ours, host: 'mgmt2', action: 'start', outcome: 'success' });
    const env = fakeSsh(here.file, there.file);
    const { code, printed, complained } = await run(here, ['--host', 'root@mgmt2'], env);
    assert.equal(complained, '');
    assert.equal(code, 0);
    assert.match(printed, / create .*\n.* unseen .* on mgmt2 .*\n.* start .* on mgmt2/);
  });

  test('log hands ssh its options', async () => {
    const here = place();
    here.call({ ...ours, action: 'create', outcome: 'success' });
    const env = fakeSsh(here.file, here.file);
    await run(here, ['--host', 'root@mgmt2', '--ssh-option', 'Port=2222'], env);
    const [folder = ''] = env.PATH.split(':');
    assert.match(readFileSync(join(folder, 'words'), 'utf8'), /^-o BatchMode=yes -o Port=2222 -- /);
  });

  test('log needs no log on this server when it asks others', async () => {
    const [here, there] = [place(), place()];
    there.call({ ...ours, action: 'create', outcome: 'success' });
    const env = fakeSsh(here.file, there.file);
    const { code, complained } = await run(here, ['--host', 'root@mgmt2'], env);
    assert.deepEqual([code, complained], [0, '']);
  });

  test('log shows the logs that it can read and names the servers that it cannot', async () => {
    const here = place();
    here.call({ ...ours, action: 'create', outcome: 'success' });
    const env = fakeSsh(here.file, here.file);
    const { code, printed, complained } = await run(here, ['--host', 'root@down'], env);
    assert.equal(code, 1);
    assert.match(printed, / create /);
    assert.match(complained, /root@down could not be fetched: ssh: connect to host down/);
  });
});

describe('log with input that makes no sense', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--since', 'yesterday'], /--since must be like 30m/],
    [['--host', '-oProxyCommand=x'], /--host needs a value/],
    [['--host=-oProxyCommand=x'], /is not a host/],
    [['--host', 'a b'], /is not a host/],
    [['i-2-42-VM'], /one argument too many/],
    [['--fialed'], /did you mean --failed/],
  ];
  for (const [words, complaint] of cases) {
    test(`log refuses the input with exit code 2: ${words.join(' ')}`, async () => {
      const { code, complained } = await run(place(), words);
      assert.equal(code, 2);
      assert.match(complained, complaint);
    });
  }
});

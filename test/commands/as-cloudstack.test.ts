import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { callAsCloudStack } from '../../src/commands/as-cloudstack/call.ts';
import { conclude } from '../../src/commands/as-cloudstack/conclude.ts';
import { payloadText } from '../../src/commands/as-cloudstack/payload-file.ts';
import type { Raw } from '../../src/commands/as-cloudstack/raw.ts';
import { defaultTimeout } from '../../src/commands/as-cloudstack/time-outs.ts';
import { executable, temporaryDirectory } from './scripts.ts';

/*
 * CloudStack's conclusions about executables, row by row as measured with its own class
 * (docs/contract.md): each script runs once and is judged for every kind of action.
 */

const payload = {
  virtualmachineid: '11111111-2222-4333-8444-555555555555',
  virtualmachinename: 'i-2-7-VM',
  'cloudstack.vm.details': { name: 'i-2-7-VM', cpus: 2, nics: [], details: { deployvm: 'true' } },
};

function run(body: string, timeoutSeconds = 10): Promise<Raw> {
  return callAsCloudStack({
    executable: executable(body),
    action: 'stop',
    payload,
    timeoutSeconds,
  });
}

interface Expected {
  /** stop, start, create, reboot and delete. */
  readonly stop: boolean;
  readonly prepare?: boolean;
  readonly status?: 'PowerOn' | 'PowerOff' | 'PowerUnknown';
  readonly custom?: boolean;
  readonly text?: string | RegExp;
}

async function expectEverywhere(raw: Raw, expected: Expected): Promise<void> {
  for (const action of ['stop', 'start', 'create', 'reboot', 'delete']) {
    assert.equal(conclude(action, raw, payload).success, expected.stop, action);
  }
  const { prepare, status, custom, text } = expected;
  if (prepare !== undefined) {
    assert.equal(conclude('prepare', raw, payload).success, prepare, 'prepare');
  }
  if (status !== undefined) assert.equal(conclude('status', raw, payload).power, status);
  if (custom !== undefined) {
    assert.equal(conclude('Do It', raw, payload).success, custom, 'custom action');
  }
  if (typeof text === 'string') assert.equal(raw.text, text);
  else if (text !== undefined) assert.match(raw.text, text);
}

const quota = '{"status":"error","message":"quota exceeded"}';
const good = '{"status":"success","power_state":"PowerOn"}';

const rows: readonly (Expected & { readonly title: string; readonly body: string })[] = [
  {
    title: 'one good document and exit code 0 is a success',
    body: `echo '${good}'`,
    stop: true,
    prepare: true,
    status: 'PowerOn',
    custom: true,
    text: good,
  },
  {
    title: 'a status of error with exit code 0 counts as a success',
    body: `echo '{"status":"error","error":"no"}'`,
    stop: true,
    prepare: true,
    status: 'PowerUnknown',
    custom: true,
  },
  {
    title: 'a failure is told with its exit code and its output',
    body: `echo '${quota}'; exit 1`,
    stop: false,
    prepare: false,
    status: 'PowerUnknown',
    custom: false,
    text: `Exit code: 1, Output: ${quota}`,
  },
  {
    title: 'standard error alone is output like any other',
    body: `echo 'Traceback: boom' >&2; exit 1`,
    stop: false,
    prepare: false,
    status: 'PowerUnknown',
    custom: false,
    text: 'Exit code: 1, Output: Traceback: boom',
  },
  {
    title: 'a warning on standard error spoils the document',
    body: `echo 'Warning: old' >&2; echo '${good}'`,
    stop: true,
    prepare: false,
    status: 'PowerUnknown',
    custom: true,
    text: `Warning: old\n${good}`,
  },
  {
    title: 'a log line after the document spoils it',
    body: `echo '${good}'; echo done`,
    stop: true,
    prepare: false,
    status: 'PowerUnknown',
    custom: true,
  },
  {
    title: 'two documents are none',
    body: `echo '${good}'; echo '${good}'`,
    stop: true,
    prepare: false,
    status: 'PowerUnknown',
    custom: true,
  },
  {
    title: 'no output changes nothing and tells no state',
    body: 'exit 0',
    stop: true,
    prepare: true,
    status: 'PowerUnknown',
    custom: true,
    text: '',
  },
  {
    title: 'what is not JSON fails only where it is read',
    body: `echo '{"status":'`,
    stop: true,
    prepare: false,
    status: 'PowerUnknown',
    custom: true,
  },
  {
    title: 'a list is no answer where it is read',
    body: `echo '[1]'`,
    stop: true,
    prepare: false,
    status: 'PowerUnknown',
    custom: true,
  },
  {
    title: 'an interpreter that env does not find ends with exit code 127',
    body: '#!/usr/bin/env no-such-interpreter-here\n',
    stop: false,
    text: /^Exit code: 127, Output: .*no-such-interpreter-here.*No such file or directory$/,
  },
  {
    title: 'an interpreter that is missing at its absolute path starts nothing',
    body: '#!/opt/missing/node\n',
    stop: false,
    prepare: false,
    custom: false,
    text: 'External operation failed',
  },
  {
    title: 'a process that ends itself with SIGTERM has exit code 143',
    body: 'kill -TERM $$',
    stop: false,
    text: 'Exit code: 143, Output: ',
  },
];

describe('The conclusion of CloudStack', { concurrency: 4 }, () => {
  for (const { title, body, ...expected } of rows) {
    test(title, async () => expectEverywhere(await run(body), expected));
  }

  test('an executable that cannot be started aborts the ping of its host', async () => {
    const raw = await run('#!/opt/missing/node\n');
    const { power, success, verdict } = conclude('status', raw, payload);
    assert.deepEqual([power, success], [undefined, false]);
    assert.match(verdict, /ping of the whole host is aborted: External operation failed/);
  });

  test('a script without any first line of its own is run by the shell', async () => {
    const path = executable('frobnicate-nothing', 0o755);
    writeFileSync(path, 'frobnicate-nothing\n');
    const raw = await callAsCloudStack({
      executable: path,
      action: 'stop',
      payload,
      timeoutSeconds: 5,
    });
    assert.match(raw.text, /^Exit code: 127, Output: .*not found$/);
  });
});

describe('The pipe of a call', { concurrency: 4 }, () => {
  const bytes = (count: number): string => `head -c ${count} /dev/zero | tr '\\0' x`;

  test('65,536 bytes pass whole', async () => {
    const raw = await run(bytes(65_536));
    assert.equal(raw.succeeded, true);
    assert.equal(raw.text.length, 65_536);
    assert.equal(conclude('Do It', raw, payload).success, true);
  });

  test('one byte more hangs until the time-out, and all of it is lost', async () => {
    const raw = await run(bytes(65_537), 1);
    await expectEverywhere(raw, {
      stop: false,
      prepare: false,
      status: 'PowerUnknown',
      custom: false,
      text: 'Timeout',
    });
    assert.ok(raw.durationMs >= 1000);
  });

  test('Node cuts off at 65,536 bytes when it exits at once', async () => {
    const raw = await run(
      `#!${process.execPath}\nprocess.stdout.write('x'.repeat(200000)); process.exit(0)\n`,
    );
    await expectEverywhere(raw, { stop: true, custom: true });
    assert.equal(raw.bytes, 65_536);
    assert.match(conclude('Do It', raw, payload).doubts.join(' '), /cut off/);
  });

  test('a hanging process is killed a moment after the time-out and its output thrown away', async () => {
    const raw = await run('echo begun; exec sleep 20', 1);
    assert.equal(raw.text, 'Timeout');
    assert.equal(raw.output, 'begun\n');
    assert.ok(raw.durationMs >= 1000 && raw.durationMs < 3000, `${raw.durationMs} ms`);
  });

  test('SIGTERM is never sent, so a trap never runs', async () => {
    const directory = temporaryDirectory();
    const raw = await run(`trap 'touch ${directory}/trapped' TERM; sleep 2 & wait`, 1);
    assert.equal(raw.text, 'Timeout');
    assert.equal(existsSync(join(directory, 'trapped')), false);
  });

  test('a background child that keeps the pipe holds nothing up, and what it says later is lost', async () => {
    const directory = temporaryDirectory();
    const raw = await run(
      `(trap '' PIPE; sleep 1; echo late; touch ${directory}/lived) & echo '${good}'`,
    );
    assert.equal(raw.text, good);
    assert.ok(raw.durationMs < 900, `${raw.durationMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(existsSync(join(directory, 'lived')), true);
  });

  test('reading standard input blocks until the time-out', async () => {
    const raw = await run('read line; echo "{}"', 1);
    assert.equal(raw.text, 'Timeout');
  });

  test('closing standard output early does not end the wait', async () => {
    const raw = await run('exec >&- 2>&-; sleep 0.4');
    assert.equal(raw.succeeded, true);
    assert.ok(raw.durationMs >= 400);
  });

  test('lines end alike and blanks around the output go, as in Java', async () => {
    const raw = await run(String.raw`printf '\n\t a\r\nb\rc \n\n'`);
    assert.equal(raw.text, 'a\nb\nc');
  });
});

describe('The call', () => {
  test('the call passes three arguments and a payload as CloudStack writes it', async () => {
    const raw = await run('echo $#; echo "$1 $3"; stat -c %a "$2"; cat "$2"');
    const [count, rest, mode, text = ''] = raw.text.split('\n');
    assert.deepEqual([count, rest, mode], ['3', 'stop 10', '644']);
    assert.deepEqual(JSON.parse(text), payload);
  });

  test('the call leaves nothing behind', async () => {
    const raw = await run('exit 0');
    assert.equal(raw.payloadLeft, true);
    assert.equal(existsSync(raw.command[2] ?? ''), false);
  });

  test('the call notices that the executable removed its payload', async () => {
    assert.equal((await run('rm "$2"')).payloadLeft, false);
  });

  test('the call gives the file it was given', async () => {
    const file = join(temporaryDirectory(), 'payload.json');
    writeFileSync(file, '{ "a" : 1 }');
    const path = executable('cat "$2"');
    const raw = await callAsCloudStack({
      executable: path,
      action: 'stop',
      payload: file,
      timeoutSeconds: 5,
    });
    assert.equal(raw.text, '{ "a" : 1 }');
  });

  test('the call refuses a missing file, a directory and a file that is not executable, in CloudStack’s words', async () => {
    const directory = join(temporaryDirectory(), 'folder');
    mkdirSync(directory);
    for (const path of ['/nowhere/at-all', directory, executable('exit 0', 0o644)]) {
      const raw = await callAsCloudStack({
        executable: path,
        action: 'status',
        payload,
        timeoutSeconds: 5,
      });
      assert.match(raw.text, /^Extension: .+ not configured for host: External:/);
      const conclusion = conclude('status', raw, payload);
      assert.equal(conclusion.success, false);
      assert.equal(conclusion.power, undefined);
    }
  });

  test('the call stands in with files where there is no mkfifo, and says so', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const body = `#!${process.execPath}\nrequire('fs').writeSync(1, 'x'.repeat(65537))\n`;
      const raw = await run(body);
      assert.equal(raw.text, 'Timeout');
      assert.match(raw.notes.join(' '), /mkfifo is missing/);
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('the call tells standard error apart when asked to', async () => {
    const path = executable('echo out; echo err >&2');
    const call = { executable: path, action: 'stop', payload, timeoutSeconds: 5 };
    const raw = await callAsCloudStack({ ...call, errorsApart: true });
    assert.deepEqual([raw.output, raw.stderr], ['out\n', 'err\n']);
  });
});

describe('The payload file', () => {
  test('the payload file is compact, without nulls, with HTML’s characters escaped', () => {
    const text = payloadText({ a: null, b: `<a href='x'>&=`, c: [null, 1] });
    assert.equal(
      text,
      String.raw`{"b":"\u003ca href\u003d\u0027x\u0027\u003e\u0026\u003d","c":[null,1]}`,
    );
  });
});

describe('The default time-out', () => {
  test('the default time-out is 1800 s for CloudStack’s own actions, 3 s for custom ones, 5 s for class names', () => {
    const seconds = ['create', 'status', 'statuses', 'getconsole', 'Create', 'List Snapshots'].map(
      (action) => defaultTimeout(action).seconds,
    );
    assert.deepEqual(seconds, [1800, 1800, 1800, 1800, 3, 3]);
    assert.equal(defaultTimeout('com.cloud.agent.api.CheckVirtualMachineCommand').seconds, 5);
  });
});

describe('What the user sees of a failure', () => {
  const shown = async (action: string): Promise<string> =>
    conclude(action, await run(`echo '${quota}'; exit 1`), payload).shown;

  test('the text that the user sees of a failure is the whole text after reboot, delete, a forced stop and custom actions only', async () => {
    for (const action of ['reboot', 'delete', 'Do It']) {
      assert.match(await shown(action), /quota exceeded/, action);
    }
    for (const action of ['prepare', 'create', 'start', 'getconsole', 'status']) {
      assert.doesNotMatch(await shown(action), /quota exceeded/, action);
    }
    const [ordinary, forced] = (await shown('stop')).split('; of a forced stop also');
    assert.doesNotMatch(ordinary ?? '', /quota exceeded/);
    assert.match(forced ?? '', /quota exceeded/);
  });

  test('the text that the user sees of a failure names the instance where CloudStack does', async () => {
    assert.match(await shown('create'), /'i-2-7-VM' \(11111111-2222-4333-8444-555555555555\)/);
    assert.equal(await shown('getconsole'), 'Console access to this instance cannot be provided');
  });
});

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { executable, fixture } from './scripts.ts';
import { createWorld } from './world.ts';

interface Report {
  readonly conforms: boolean;
  readonly rules: readonly {
    readonly id: string;
    readonly state: string;
    readonly reason: string;
    readonly evidence?: { readonly step: string; readonly output: string };
  }[];
  readonly calls: readonly { readonly step: string; readonly durationMs: number }[];
}

async function conform(
  file: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ report: Report; code: number; failed: string[] }> {
  const world = createWorld({ env });
  const code = await runCommand(['conform', file, '--json', ...args], world);
  const report = JSON.parse(world.printed()) as Report;
  const failed = report.rules.filter(({ state }) => state === 'fail').map(({ id }) => id);
  return { report, code, failed };
}

/** The faults of the stub, and of the fixtures that hand on to it. */
const wrongInStub = [
  'payload-missing',
  'payload-empty',
  'payload-not-json',
  'payload-list',
  'status-of-nothing',
  'stop',
  'status-after-delete',
  'namesake-status',
  'failure-exit-code',
];

describe('conform', { concurrency: 2 }, () => {
  test('conform shows which faults CloudStack’s stub has', async () => {
    const { report, code, failed } = await conform(fixture('stub.sh'));
    assert.equal(code, 1);
    assert.deepEqual(failed, wrongInStub);
    const stop = report.rules.find(({ id }) => id === 'stop');
    assert.equal(stop?.reason, 'status says PowerOn');
    assert.equal(stop?.evidence?.step, 'status after stop');
  });

  test('conform calls it dangerous to report an instance that never existed as off', async () => {
    const { report } = await conform(executable(`echo '{"power_state":"poweroff"}'`));
    const rule = report.rules.find(({ id }) => id === 'status-of-nothing');
    assert.equal(rule?.reason, 'PowerOff makes CloudStack stop a running instance');
  });

  for (const [name, env] of [
    ['manual-bash.sh', {}],
    // Debian's own Python, not one that a version manager puts in front.
    ['manual-python.py', { PATH: `/usr/bin:/bin` }],
  ] as const) {
    test(`conform shows why the manual’s ${name} deploys nothing`, async () => {
      const { report, failed } = await conform(fixture(name), { env });
      const expected = [
        'unknown-action',
        'class-name-action',
        'payload-missing',
        'payload-empty',
        'payload-not-json',
        'payload-list',
        'unknown-custom-action',
        'create',
        'create-runs',
        'create-again',
        'create-unprepared',
        'status-words',
        'reboot',
        'stop',
        'start',
        'console',
        'failure-exit-code',
      ];
      assert.deepEqual(failed, expected);
      const create = report.rules.find(({ id }) => id === 'create');
      assert.match(create?.reason ?? '', /only "deploy" did, which CloudStack never sends/);
    });
  }

  test('conform finds each fault of a careless extension, and ends the processes that it left running', async () => {
    const { report, failed } = await conform(fixture('careless.sh'), { args: ['--timeout', '2'] });
    const wrong = ['statuses-complete', 'no-errors-printed', 'escapes', 'size', 'ends-whole'];
    for (const id of wrong) assert.ok(failed.includes(id), `${id} is not among ${failed}`);
    assert.equal(report.rules.find(({ id }) => id === 'always-one-document')?.state, 'warn');
    const reason = report.rules.find(({ id }) => id === 'ends-whole')?.reason ?? '';
    const pid = /process (\d+) lived on: sleep 30/.exec(reason)?.[1];
    assert.ok(pid !== undefined, reason);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // A zombie counts as ended: it has no command line any more.
    const commandLine = join('/proc', pid, 'cmdline');
    assert.equal(existsSync(commandLine) ? readFileSync(commandLine, 'utf8') : '', '');
  });

  test('conform finds that an extension counts on SIGTERM and on its children being killed', async () => {
    const { failed } = await conform(fixture('stubborn.sh'), { args: ['--timeout', '2'] });
    for (const id of ['time-out', 'ends-whole']) assert.ok(failed.includes(id), `${failed}`);
  });

  test('conform finds secrets, misplaced NICs and numbers among details, for reading too', async () => {
    const world = createWorld();
    assert.equal(await runCommand(['conform', fixture('talkative.sh'), '--keep'], world), 1);
    const text = world.printed();
    for (const id of ['prepare-nics', 'secrets', 'create']) {
      assert.match(text, new RegExp(`^fail {5}${id} `, 'm'));
    }
    assert.match(text, /^warn {5}prepare-details /m);
    assert.match(text, /cannot log in with\s+\*{3}/);
    assert.match(text, /the host detail "password" is in the output/);
    assert.match(text, /\d+ of \d+ musts kept, \d+ of \d+ shoulds kept, \d+ not tried, \d+ calls/);
    const kept = /Payload files: (.*)/.exec(text)?.[1] ?? '';
    assert.ok(readdirSync(kept).length > 10);
    rmSync(kept, { recursive: true });
  });

  test('conform knows the secrets of a registration too, and a state that is honestly unknown', async () => {
    const careless = executable('[ "$1" = status ] && echo unknown && exit 0; cat "$2"; exit 1');
    const { report } = await conform(careless, { args: ['resourcemap.api_token=0123456789'] });
    const rule = (wanted: string) => report.rules.find(({ id }) => id === wanted);
    assert.match(rule('secrets')?.reason ?? '', /^the resourcemap detail "api_token" is in/);
    assert.equal(rule('one-document')?.state, 'pass', rule('one-document')?.evidence?.output);
  });

  test('conform tells an executable that waits for its input from one that hangs anyway', async () => {
    const reason = async (name: string): Promise<string> => {
      const { report } = await conform(fixture(name), { args: ['--timeout', '1'] });
      assert.equal(report.calls.length, 2);
      return report.rules.find(({ id }) => id === 'ignores-input')?.reason ?? '';
    };
    assert.match(await reason('reads-input.sh'), /answered with an empty one/);
    assert.match(await reason('endless.sh'), /alike/);
  });

  test('conform judges the file itself and calls nothing when CloudStack would not', async () => {
    const { report, failed } = await conform('/nowhere/extension');
    assert.deepEqual(failed, ['entry-point']);
    assert.deepEqual(report.calls, []);
    assert.equal(
      report.rules.filter(({ state }) => state === 'skipped').length,
      report.rules.length - 1,
    );
  });

  test('conform refuses details that are not key=value', async () => {
    const world = createWorld();
    assert.equal(await runCommand(['conform', fixture('stub.sh'), 'simulator'], world), 2);
    assert.match(world.complained(), /"simulator" is no detail: it has to be key=value/);
  });
});

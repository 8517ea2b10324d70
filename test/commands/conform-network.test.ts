import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { executable, fixture, temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Rule {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
}

async function conform(file: string, ...words: string[]) {
  const folder = temporaryDirectory();
  const config = join(folder, 'config.json');
  const log = { file: join(folder, 'outrigger.log') };
  writeFileSync(config, JSON.stringify({ log, state_directory: join(folder, 'state') }));
  const world = createWorld({ env: { OUTRIGGER_CONFIG: config } });
  const code = await runCommand(['conform', file, '--network', ...words, '--json'], world);
  const printed = world.printed();
  const { rules, verdict } = JSON.parse(printed) as { rules: readonly Rule[]; verdict: string };
  const ids = (...states: string[]): readonly string[] =>
    rules.filter(({ state }) => states.includes(state)).map(({ id }) => id);
  const reason = (id: string): string => rules.find((rule) => rule.id === id)?.reason ?? '';
  return { code, verdict, printed, ids, reason };
}

describe('conform of network extensions', () => {
  it('is content with the built file, which serves everything but the services of the router', async () => {
    const built = join(process.cwd(), 'build/out/outrigger');
    const { code, ids, verdict } = await conform(built, 'provider=simulator', 'installation=t');
    assert.deepEqual(ids('fail', 'warn', 'skipped'), [], verdict);
    assert.equal(code, 0);
  });

  it('is content with the manner of vmnet, which makes L2 networks alone', async () => {
    const { code, ids, reason } = await conform(fixture('network-vmnet.py'));
    assert.deepEqual(ids('fail'), []);
    assert.deepEqual(ids('warn'), ['one-document']);
    assert.deepEqual(ids('skipped'), ['implement-again-isolated']);
    assert.equal(reason('implement-again-isolated'), 'the first one failed');
    assert.equal(code, 0);
  });

  it('is content with the manner of network namespaces, with its hosts and without', async () => {
    const file = fixture('network-namespace.sh');
    const with_ = await conform(file, 'hosts=h1,h2');
    assert.deepEqual(with_.ids('fail'), []);
    const without = await conform(file);
    assert.deepEqual(without.ids('fail'), []);
    assert.deepEqual(without.ids('skipped'), ['ensure-stable', 'escapes']);
  });

  it('names every mistake that kills a network, a start or a zone', async () => {
    const { code, ids, reason, printed } = await conform(fixture('network-careless.sh'));
    assert.equal(code, 1);
    assert.deepEqual(ids('fail').concat(ids('warn')), [
      ...['unknown-command', 'which-half', 'broken-payload', 'ensure-output', 'ensure-errors'],
      ...['escapes', 'status', 'uri', 'guest-data', 'at-once', 'restore', 'gone'],
      'secrets',
      ...['unknown-custom-action', 'ensure-stable', 'one-document'],
    ]);
    assert.match(
      reason('ensure-output'),
      /not one JSON object: every later command of this network/,
    );
    assert.match(reason('status'), /exit code 0 beside "status": (error|ok)/);
    assert.match(reason('restore'), /restore l2, empty fails/);
    assert.doesNotMatch(printed, /planted-guest/);
  });

  it('notices a child that holds the pipe, and an answer that comes too late', async () => {
    const child = await conform(executable('[ "$1" = prepare-nic ] && sleep 30 & exit 0'));
    assert.ok(child.ids('fail').includes('survivors'));
    const words = ['--timeout', '1'];
    const late = await conform(executable('exec sleep 3'), ...words);
    assert.match(late.verdict, /cannot be judged: the first call hung until it was killed/);
    assert.deepEqual(late.ids('fail'), ['deadline']);
  });
});

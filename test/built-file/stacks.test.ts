import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { recorded } from '../cloudstack/recorded.ts';
import { spawnFile } from '../support/spawned.ts';

const probe = join(process.cwd(), 'build/probe/probe');
const sources = 'test/built-file/probe/probe.ts';

describe('the stack of a failure that is written to the log', () => {
  let folder = '';
  let line = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-stacks-'));
    const log = join(folder, 'log');
    writeFileSync(log, '');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ log: { file: log } }));
    const host = { url: 'https://127.0.0.1:9', secret: 'not-a-real-one' };
    const custom = { ...recorded('custom', 'probe', host), action: 'Throw', parameters: {} };
    writeFileSync(join(folder, 'payload.json'), JSON.stringify(custom));
    spawnFile(probe, ['Throw', join(folder, 'payload.json'), '20'], {
      env: { HOME: folder, OUTRIGGER_CONFIG: join(folder, 'config.json') },
    });
    line = readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const trace = (input: string): string => {
    const args = ['tools/trace.mjs', `${probe}.map.json`];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      input,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const whereIs = (code: string): string => {
    const lines = readFileSync(sources, 'utf8').split('\n');
    return `${sources}:${lines.findIndex((each) => each.includes(code)) + 1}:`;
  };

  it('names the parts of the file by the paths of their sources', () => {
    const { outcome, cause } = JSON.parse(line) as { outcome: string; cause: readonly string[] };
    assert.equal(outcome, 'internal');
    assert.match(cause[0] ?? '', /^Error: It escaped\n +at \S+ \(outrigger:test\/.*\.ts:\d+:\d+\)/);
  });

  it('becomes places in the sources, from the whole log line', () => {
    const [first = '', thrown = '', called = ''] = trace(line).split('\n');
    assert.equal(first, 'Error: It escaped');
    assert.ok(thrown.includes(whereIs("throw new Error('It escaped')")), thrown);
    assert.ok(called.includes(whereIs('setTimeout(() => breakOut(), 5)')), called);
  });

  it('becomes places in the sources, from the stack alone', () => {
    const { cause } = JSON.parse(line) as { cause: readonly string[] };
    assert.equal(trace(cause[0] ?? ''), trace(line));
  });

  it('says so where the map is one of another build, or the line has no stack', () => {
    assert.match(trace('    at x (outrigger:src/gone.ts:2:14)'), /it is of another build/);
    assert.match(trace('{"event":"call","outcome":"ok"}'), /this line has no stack/);
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { newestLines } from '../../src/kit/log-tail.ts';

describe('the newest lines of a log', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-tail-'));
    file = join(folder, 'outrigger.log');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('come first, from rotated files too, in files that are longer than a piece', () => {
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => `${from + at} ${'ü'.repeat((at % 7) * 40)}`);
    const [oldest, older, newest] = [lines(0, 10), lines(10, 4000), lines(4000, 9000)];
    writeFileSync(`${file}.2`, `${oldest.join('\n')}\n`);
    writeFileSync(`${file}.1`, `${older.join('\n')}\n`);
    writeFileSync(file, `${newest.join('\n')}\n`);
    const all = [...oldest, ...older, ...newest].reverse();
    assert.deepEqual([...newestLines(file, 2)], all);
    assert.deepEqual([...newestLines(file, 1)], all.slice(0, 8990));
  });

  it('may be longer than a piece, and the last one may have no end', () => {
    const long = 'x'.repeat(700_000);
    writeFileSync(file, `first\n${long}\nlast`);
    assert.deepEqual([...newestLines(file, 5)], ['last', long, 'first']);
  });

  it('are none where there is no log, and none of something else in its place', () => {
    assert.deepEqual([...newestLines(file, 5)], []);
    writeFileSync(join(folder, 'other'), 'a\n');
    symlinkSync(join(folder, 'other'), file);
    assert.throws(() => [...newestLines(file, 5)], { kind: 'denied' });
  });
});

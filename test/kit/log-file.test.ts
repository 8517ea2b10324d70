import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createFileLog, type LogFile } from '../../src/kit/log-file.ts';
import { createRedactor } from '../../src/kit/redact.ts';

describe('the log file', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-log-'));
    file = join(folder, 'outrigger.log');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const open = (more: Partial<LogFile> = {}, secrets: string[] = []) =>
    createFileLog(
      { file, level: 'info', mayCreate: true, mostBytes: 1000, keep: 3, ...more },
      () => ({ ref: 'r-1' }),
      () => new Date('2026-11-24T10:00:00Z'),
      () => createRedactor(secrets),
    );
  const lines = (path = file) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('a log file holds one JSON object per line, with the facts of the call', () => {
    open()('started', { vm: 'x', level: 'warn' });
    assert.deepEqual(lines(), [
      { time: '2026-11-24T10:00:00.000Z', level: 'warn', event: 'started', ref: 'r-1', vm: 'x' },
    ]);
    assert.equal(statSync(file).mode & 0o777, 0o640);
  });

  it('the log file leaves out events below its level', () => {
    const log = open({ level: 'warn' });
    log('a');
    log('b', { level: 'error' });
    assert.deepEqual(
      lines().map(({ event }) => event),
      ['b'],
    );
  });

  it('control characters are written to the log as escapes', () => {
    open()('x', { text: 'a\u001b[2J\nb\u202ec\u0085d\u2028e\u200ef' });
    const raw = readFileSync(file, 'utf8');
    for (const sign of raw.trimEnd()) assert.match(sign, /[\x20-\x7e]/);
    assert.equal(lines()[0].text, 'a\u001b[2J\nb\u202ec\u0085d\u2028e\u200ef');
  });

  it('the log holds no secret', () => {
    open({}, ['hunter22'])('x', { note: 'with hunter22 in it', deep: { password: 'other' } });
    assert.deepEqual([lines()[0].note, lines()[0].deep.password], ['with *** in it', '***']);
  });

  it('a log line that is too long is cut and not lost', () => {
    open({ mostBytes: 1e6 })('x', { text: 'y'.repeat(100_000) });
    const { shortened, ...rest } = lines()[0];
    const time = '2026-11-24T10:00:00.000Z';
    assert.deepEqual(rest, { time, level: 'info', event: 'x', ref: 'r-1' });
    assert.match(shortened, /"text":"yyy/);
    assert.ok(readFileSync(file).length < 20_000);
  });

  it('a full log file becomes .1, the one before .2, and the oldest is deleted', () => {
    for (let count = 0; count < 60; count += 1) open()('line', { count });
    assert.deepEqual(readdirSync(folder).sort(), [
      'outrigger.log',
      'outrigger.log.1',
      'outrigger.log.2',
      'outrigger.log.3',
    ]);
    assert.equal(lines().pop().count, 59);
    const kept = ['.3', '.2', '.1', ''].flatMap((end) =>
      lines(file + end).map(({ count }) => count),
    );
    assert.deepEqual(
      kept,
      kept.slice().sort((a, b) => a - b),
      'nothing is lost in between',
    );
    assert.equal(kept.length, 60 - kept[0]);
  });

  it('a rotation that was killed stops neither writing nor, for long, rotation', () => {
    mkdirSync(`${file}.rotating`);
    const just = new Date('2026-11-24T09:59:30Z');
    utimesSync(`${file}.rotating`, just, just);
    for (let count = 0; count < 30; count += 1) open()('line', { count });
    assert.equal(lines().length, 30);
    utimesSync(
      `${file}.rotating`,
      new Date('2026-11-24T09:00:00Z'),
      new Date('2026-11-24T09:00:00Z'),
    );
    for (let count = 30; count < 33; count += 1) open()('line', { count });
    assert.ok(readdirSync(folder).includes('outrigger.log.1'));
  });

  it('the log goes on in an oversized file that cannot be renamed', () => {
    writeFileSync(`${file}.2`, '');
    mkdirSync(`${file}.3`);
    for (let count = 0; count < 30; count += 1) open()('line', { count });
    assert.equal(lines().length, 30);
    assert.deepEqual(
      readdirSync(folder).sort(),
      ['', '.2', '.3'].map((end) => `outrigger.log${end}`),
    );
  });

  it('a user whose file the service could not write creates no log file', () => {
    open({ mayCreate: false })('x');
    assert.deepEqual(readdirSync(folder), []);
    writeFileSync(file, '');
    open({ mayCreate: false })('x');
    assert.equal(lines().length, 1);
    open({ mayCreate: false, mostBytes: 1 })('y');
    assert.equal(lines().length, 2, 'nor is it moved away, since that would make one');
  });

  it('a log file that cannot be written fails no caller', () => {
    const boom = (): never => {
      throw new Error('not recorded');
    };
    const place = { file, level: 'info', mayCreate: true, mostBytes: 1000, keep: 3 } as const;
    createFileLog(
      place,
      boom,
      () => new Date(),
      () => createRedactor([]),
    )('x');
    createFileLog(
      place,
      () => ({}),
      () => new Date(Number.NaN),
      () => createRedactor([]),
    )('x');
    open()('x', { count: 7n });
    open()('x', { odd: Object.defineProperty({}, 'deep', { get: boom, enumerable: true }) });
    open()('y');
    assert.deepEqual(
      lines().map(({ event }) => event),
      ['y'],
    );
  });

  it('a pipe in place of the log file is never written to, with or without a reader', () => {
    assert.equal(spawnSync('mkfifo', [file]).status, 0);
    open()('x');
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    open()('x');
    assert.equal(readSync(reader, Buffer.alloc(10)), 0);
    closeSync(reader);
  });

  it('a link in place of the log file is not followed, and a missing folder fails no call', () => {
    symlinkSync(join(folder, 'elsewhere'), file);
    open()('x');
    assert.deepEqual(readdirSync(folder), ['outrigger.log']);
    open({ file: join(folder, 'no/such/folder/x.log') })('x');
  });
});

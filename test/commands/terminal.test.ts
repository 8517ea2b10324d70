import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readable as auditReport } from '../../src/commands/audit/report.ts';
import { readable as doctorReport } from '../../src/commands/doctor/report.ts';
import { table, wrapped } from '../../src/commands/table.ts';
import {
  paintFor,
  progressOf,
  shellWord,
  visible,
  visibleLines,
} from '../../src/commands/terminal.ts';
import { createWorld } from './world.ts';

describe('Colours', () => {
  const red = (terminal: boolean, env: Record<string, string>): string =>
    paintFor({ terminal, env }).red('x');

  test('colours are printed only on terminals that did not decline them', () => {
    assert.equal(red(true, {}), '\x1b[31mx\x1b[39m');
    assert.equal(red(true, { NO_COLOR: '' }), '\x1b[31mx\x1b[39m');
    assert.equal(red(false, {}), 'x');
    assert.equal(red(true, { NO_COLOR: '1' }), 'x');
    assert.equal(red(true, { TERM: 'dumb' }), 'x');
  });
});

describe('Progress', () => {
  test('progress is shown on a terminal, beside the answer, and not to a script', () => {
    const told = (terminal: boolean, json: boolean): string => {
      const world = createWorld({ terminal, env: { NO_COLOR: '1' } });
      progressOf({ json, world })('asking a\x1b[2J');
      assert.equal(world.printed(), '');
      return world.complained();
    };
    assert.equal(told(true, false), '  asking a\\x1B[2J ...');
    assert.equal(told(true, true), '');
    assert.equal(told(false, false), '');
  });
});

describe('A table', () => {
  test('a table aligns its columns and leaves no blanks at the end', () => {
    const rows = [
      ['a', 'long one', 'x'],
      ['wide', '', ''],
    ];
    assert.deepEqual(table(rows, 1), [' a     long one  x', ' wide']);
  });

  test('a table aligns by the visible characters, not by colours', () => {
    const { green } = paintFor({ terminal: true, env: {} });
    assert.deepEqual(table([[{ text: 'ok', paint: green }, 'x']]), ['\x1b[32mok\x1b[39m  x']);
  });

  test('a table shows control characters instead of obeying them', () => {
    assert.deepEqual(table([['a\tb\n\x1b[2J', '\x9bx']]), ['a\\x09b\\x0A\\x1B[2J  \\x9Bx']);
  });
});

describe('Texts', () => {
  test('texts are broken between words, and a word that is too long gets its own line', () => {
    assert.deepEqual(wrapped('aaa bbb ccc ddddddddddddddddddddddddd e', 20), [
      'aaa bbb ccc',
      'ddddddddddddddddddddddddd',
      'e',
    ]);
  });

  test('texts keep their letters, but no characters that turn or hide them', () => {
    assert.equal(visible('grün 日本 \u202E\u200B\uFEFF'), 'grün 日本 \\u{202E}\\u{200B}\\u{FEFF}');
    assert.deepEqual(visibleLines('a\nb\r\n\u2028'), ['a', 'b\\x0D', '\\u{2028}']);
  });

  test('texts are quoted for a shell only where they need it', () => {
    assert.equal(shellWord('/usr/bin/x-1.2'), '/usr/bin/x-1.2');
    assert.equal(shellWord(`it's a`), `'it'\\''s a'`);
    assert.equal(shellWord(''), "''");
  });
});

describe('The last line', () => {
  const world = createWorld({ terminal: true, env: { NO_COLOR: '1' } });
  const last = (lines: readonly string[]): string | undefined => lines[lines.length - 1];

  test('the last line of doctor says what to do next', () => {
    const next = (...states: readonly ('ok' | 'warn' | 'fail')[]) =>
      last(
        doctorReport(
          states.map((state) => ({ name: state, state, found: '', layer: 'provider' })),
          world,
        ),
      );
    assert.match(next('ok', 'fail', 'fail') ?? '', /^Next: follow the advice under "fail"/);
    assert.match(next('ok', 'warn') ?? '', /^Next: look at the lines that say warn/);
    assert.equal(next('ok'), 'Next: deploy an instance.');
    const server = [{ name: 'Node.js', state: 'ok', found: '', layer: 'server' }] as const;
    assert.match(last(doctorReport(server, world)) ?? '', /^Next: outrigger doctor --setup FILE/);
  });

  test('the last line of audit says what to do next at a terminal, and not to monitoring', () => {
    const counts = { instances: 1, machines: 1, hosts: 1 };
    const found = {
      severity: 'critical',
      kind: 'orphan',
      subject: 'i-2-42-VM',
      found: 'nobody owns it',
    } as const;
    assert.match(last(auditReport([found], counts, world)) ?? '', /^Next: follow the advice/);
    assert.match(last(auditReport([], counts, world)) ?? '', /^Next: nothing/);
    const piped = createWorld({ terminal: false });
    assert.equal(auditReport([], counts, piped).length, 1);
  });
});

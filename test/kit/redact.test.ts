import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor } from '../../src/kit/redact.ts';

describe('a redactor', () => {
  const { text, value } = createRedactor(['geheim-77', 'geheim-77-lang', 'a/b "c" \\d', 'abc']);

  it('a secret is masked anywhere in a text, plain and as JSON and URLs write it', () => {
    assert.equal(text('geheim-77 and xgeheim-77x'), '*** and x***x');
    assert.equal(text('geheim-77-lang'), '***', 'the longer one leaves no rest');
    const odd = 'a/b "c" \\d';
    assert.equal(text(`<${odd}>`), '<***>');
    assert.equal(text(JSON.stringify({ key: odd })), '{"key":"***"}');
    assert.equal(text(`?p=${encodeURIComponent(odd)}&q`), '?p=***&q');
  });

  it('the beginning of a secret is masked where the text was cut', () => {
    assert.equal(text('it said "gehei'), 'it said "***');
    assert.equal(text('it said gehe...'), 'it said ***...');
    assert.equal(text('it said "geheim-7"'), 'it said "***"');
    assert.equal(text('gehei'), '***', 'with nothing before it');
    assert.equal(text('a geheimer word'), 'a geheimer word');
  });

  it('a secret of three characters is not masked', () => {
    assert.equal(text('abcdef'), 'abcdef');
  });

  it('a value is masked by its key, and by its content at any depth', () => {
    const given = {
      vncPassword: 7,
      api_key: ['x'],
      passphrase: 'x',
      deep: [{ note: 'with geheim-77' }],
      error: new Error('geheim-77 is wrong'),
      token: undefined,
      nothing: null,
    };
    assert.deepEqual(value(given), {
      vncPassword: '***',
      api_key: '***',
      passphrase: '***',
      deep: [{ note: 'with ***' }],
      error: '*** is wrong',
      token: undefined,
      nothing: null,
    });
  });

  it('a value that contains itself is redacted to a limited depth', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    const list: unknown[] = [];
    list.push(list);
    for (const endless of [loop, list]) {
      assert.match(JSON.stringify(value(endless)), /"\.\.\."/);
    }
  });

  it('a secret with an unpaired surrogate is masked', () => {
    assert.equal(createRedactor(['half\ud800']).text('a half\ud800'), 'a ***');
  });
});

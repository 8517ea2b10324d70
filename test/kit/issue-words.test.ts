import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { sentence } from '../../src/failure.ts';
import { issueWords, members } from '../../src/kit/issue-words.ts';

const schema = members({
  name: v.string(),
  level: v.optional(v.picklist(['debug', 'info'])),
  size: v.optional(v.union([v.string(), v.number()])),
  seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(300))),
  hosts: v.optional(
    v.array(members({ tags: v.pipe(v.string(), v.minLength(1, 'must not be empty')) })),
  ),
});

function wordsFor(given: unknown): string {
  const result = v.safeParse(schema, given);
  assert.equal(result.success, false, JSON.stringify(given));
  return issueWords(result.issues ?? []);
}

describe('the mistakes of a file', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [[], 'its content must be an object, not a list'],
    ['x', 'its content must be an object, not a text'],
    [null, 'its content must be an object, not null'],
    [{}, '"name" is missing'],
    [{ name: 'n', nmae: 'x' }, '"nmae" is not known'],
    [{ name: 7 }, '"name" must be a text, not a number'],
    [{ name: 'n', level: 'loud' }, '"level" must be one of debug, info'],
    [{ name: 'n', size: true }, '"size" must be a text or a number'],
    [{ name: 'n', seconds: 0 }, '"seconds" must be at least 1'],
    [{ name: 'n', seconds: 301 }, '"seconds" must be at most 300'],
    [{ name: 'n', seconds: 1.5 }, '"seconds" must be a whole number'],
    [{ name: 'n', hosts: {} }, '"hosts" must be a list, not an object'],
    [{ name: 'n', hosts: [[]] }, '"hosts.0" must be an object, not a list'],
    [{ name: 'n', hosts: [{ tags: '' }] }, '"hosts.0.tags" must not be empty'],
  ];
  for (const [given, words] of cases) {
    it(`are told in plain words: ${words}`, () => assert.equal(wordsFor(given), words));
  }

  it('are told without the value, which may be a secret under the wrong key', () => {
    assert.doesNotMatch(wordsFor({ name: 'n', seconds: 'hunter2', level: 'hunter2' }), /hunter2/);
  });
});

describe('a sentence', () => {
  it('gets a full stop only where it does not end already', () => {
    const cases = ['It is', 'Is it?', 'It is.', 'Did you mean "x"?', 'It said "no."', '(is it?)'];
    assert.deepEqual(cases.map(sentence), ['It is.', ...cases.slice(1)]);
  });
});

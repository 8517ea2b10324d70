import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nearest } from '../../src/kit/nearest.ts';

describe('The nearest word', () => {
  const found: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['invok', ['help', 'invoke', 'version'], 'invoke'],
    ['cnoform', ['conform', 'config'], 'conform'],
    ['URL', ['user', 'url'], 'url'],
    ['template-id', ['template_id'], 'template_id'],
    ['tmplat_id', ['template_id'], 'template_id'],
    ['setings', ['settings', 'setting'], 'settings'],
    ['xy', ['ab', 'cd'], undefined],
    ['a', ['b'], undefined],
    ['frobnicate', ['invoke'], undefined],
    ['', ['ab'], undefined],
    ['anything', [], undefined],
  ];
  for (const [word, candidates, expected] of found) {
    test(`to "${word}" among ${JSON.stringify(candidates)} is ${expected ?? 'none'}`, () => {
      assert.equal(nearest(word, candidates), expected);
    });
  }

  test('may be kept to one edit', () => {
    assert.equal(nearest('tmplat_id', ['template_id'], 1), undefined);
    assert.equal(nearest('templat_id', ['template_id'], 1), 'template_id');
  });

  test('counts two neighbours that changed places as one edit', () => {
    assert.equal(nearest('usre', ['user'], 1), 'user');
  });

  test('is looked for without much work in a text of any length', () => {
    assert.equal(nearest('x'.repeat(1_000_000), ['x'.repeat(1_000_000)]), undefined);
  });
});

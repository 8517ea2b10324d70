import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nearest } from '../../src/kit/nearest.ts';

describe('The nearest word', () => {
  const found: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['invok', ['help', 'invoke', 'version'], 'invoke'],
    ['cnoform', ['conform', 'config'], 'conform'],
    ['URL', ['user', 'url'], 'url'],
    ['template-id', ['template_id'], 'template_id'],
    ['TMPLAT-ID', ['template_id'], 'template_id'],
    ['template_id', ['Template-Id'], 'Template-Id'],
    ['urk', ['url'], 'url'],
    ['cabs', ['bc'], undefined],
    ['setings', ['settings', 'setting'], 'settings'],
    ['xy', ['ab', 'cd'], undefined],
    ['a', ['b'], undefined],
    ['frobnicate', ['invoke'], undefined],
    ['', ['ab'], undefined],
    ['anything', [], undefined],
  ];
  for (const [word, candidates, expected] of found) {
    test(`the nearest word to "${word}" among ${JSON.stringify(candidates)} is ${expected ?? 'none'}`, () => {
      assert.equal(nearest(word, candidates), expected);
    });
  }

  test('two neighbouring letters that changed places count as one edit', () => {
    assert.equal(nearest('ulr', ['url']), 'url', 'two edits would be too many for three letters');
    assert.equal(nearest('ule', ['url']), undefined);
    assert.equal(nearest('tmpalte_id', ['template_id']), 'template_id', 'beside another one');
  });

  test('the nearest word to a very long one is found without much work', () => {
    const long = 'x'.repeat(100_000);
    assert.equal(nearest(long, ['x', `${long}abc`]), undefined);
    assert.equal(nearest(`${long}ab`, [`${long}ba`]), `${long}ba`);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collectIssues } from '../../src/cloudstack/issues.ts';
import { Failure } from '../../src/failure.ts';

describe('the mistakes of a call', () => {
  const told = (...sentences: string[]): string => {
    const issues = collectIssues();
    for (const each of sentences) issues.add('config', each);
    try {
      issues.throwIfAny('Cannot create i-2-42-VM');
      return '';
    } catch (thrown) {
      assert.ok(thrown instanceof Failure);
      return thrown.message;
    }
  };

  it('are numbered in one sentence, without two marks after a question', () => {
    assert.equal(told('"url" is missing'), 'Cannot create i-2-42-VM: "url" is missing');
    assert.equal(
      told('"urll" is unknown, is it "url"?', '"node" is missing', '"pool" is too long'),
      'Cannot create i-2-42-VM: (1) "urll" is unknown, is it "url"? (2) "node" is missing; (3) "pool" is too long',
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, isKind } from '../../src/failure.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { type RetryPolicy, retryWhile } from '../../src/kit/retry.ts';

const busy = (): Failure => new Failure('conflict', 'The remote system is busy');

/** Work that fails so often before it succeeds, and what the policy was told meanwhile. */
function trial(failures: readonly unknown[], given: Partial<RetryPolicy<string>> = {}) {
  const told: unknown[] = [];
  const left = [...failures];
  const clock = () => performance.now();
  const endMs = clock() + 500;
  const policy: RetryPolicy<string> = {
    deadline: createDeadline(clock, { endMs, undoEndMs: endMs }),
    doing: 'waiting for the remote system',
    pauseMs: (thrown, turn) => (isKind(thrown, 'conflict') && turn < 4 ? turn : undefined),
    onRepeat: (_, turn) => void told.push(turn),
    ...given,
  };
  const result = retryWhile(policy, async () => {
    if (left.length > 0) throw left.shift();
    return 'done';
  });
  return { result, told, left };
}

describe('retryWhile', () => {
  it('repeats the work until it succeeds, and says before each pause that it will', async () => {
    const { result, told } = trial([busy(), busy()]);
    assert.equal(await result, 'done');
    assert.deepEqual(told, [1, 2]);
  });

  it('throws the failure that its policy calls the last one', async () => {
    const last = new Failure('conflict', 'The remote system is still busy');
    const { result, told } = trial([busy(), busy(), busy(), last]);
    await assert.rejects(result, (thrown) => thrown === last);
    assert.deepEqual(told, [1, 2, 3]);
  });

  it('never repeats a failure that its policy does not know, nor a TypeError', async () => {
    for (const thrown of [new Failure('denied', 'No'), new TypeError('x is not a function')]) {
      const { result, left } = trial([thrown, busy()]);
      await assert.rejects(result, (caught) => caught === thrown);
      assert.equal(left.length, 1);
    }
  });

  it('throws the last failure instead of a pause that the deadline would cut off', async () => {
    const failure = busy();
    const { result, told } = trial([failure], { pauseMs: () => 1000 });
    await assert.rejects(result, (thrown) => thrown === failure);
    assert.deepEqual(told, []);
  });

  it('ends without another try when the look after the pause finds the work done', async () => {
    const { result, left } = trial([busy(), busy()], { unlessDone: async () => 'found done' });
    assert.equal(await result, 'found done');
    assert.equal(left.length, 1);
  });
});

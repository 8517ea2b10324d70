import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapLimit } from '../../src/kit/map-limit.ts';

describe('work on a list, a few pieces at once', () => {
  it('keeps the order of the list, however long each piece takes', async () => {
    const results = await mapLimit([30, 1, 10, undefined, 2], 2, async (ms) => {
      await sleep(ms ?? 0);
      return String(ms);
    });
    assert.deepEqual(results, ['30', '1', '10', 'undefined', '2']);
  });

  it('has as many pieces going on as it may, and never more', async () => {
    let now = 0;
    let most = 0;
    await mapLimit([...Array(9).keys()], 3, async () => {
      now += 1;
      most = Math.max(most, now);
      await sleep(2);
      now -= 1;
    });
    assert.equal(most, 3);
  });

  it('has nothing to do for an empty list', async () => {
    assert.deepEqual(await mapLimit([], 4, () => Promise.reject(new Error('called'))), []);
  });

  it('throws the first failure and begins nothing after it', async () => {
    const begun: number[] = [];
    const work = mapLimit([0, 1, 2, 3, 4], 2, async (one) => {
      begun.push(one);
      await sleep(one === 1 ? 1 : 10);
      if (one === 1) throw new Error('the second');
    });
    await assert.rejects(work, /the second/);
    await sleep(30);
    assert.deepEqual(begun, [0, 1]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deadline } from '../../../src/contract/context.ts';
import { type Pace, poll } from '../../../src/kit/poll.ts';
import { pace, stopPace } from '../../../src/providers/proxmox/api/task-state.ts';
import { backPace } from '../../../src/providers/proxmox/machine/restart.ts';

/** A look takes this long on a cluster nearby. */
const lookMs = 15;

/** How late the end is seen, and after how many looks, where time passes by the pauses alone. */
async function seenAfter(endMs: number, given: Pace): Promise<{ lateMs: number; looks: number }> {
  let nowMs = 0;
  let looks = 0;
  const deadline = {
    sleep: async (ms: number): Promise<void> => {
      nowMs += ms;
    },
  } as Pick<Deadline, 'sleep'> as Deadline;
  const lateMs = await poll(
    deadline,
    'waiting',
    async () => {
      nowMs += lookMs;
      looks += 1;
      return nowMs >= endMs ? nowMs - endMs : undefined;
    },
    given,
  );
  return { lateMs, looks };
}

describe('proxmox and how often it looks at a task', () => {
  for (const endMs of [1100, 1200, 1300, 2200, 2300, 3200, 4200, 5200]) {
    it(`sees a stop that ends after ${endMs} ms at most 200 ms later, with no more looks than at any task`, async () => {
      const stop = await seenAfter(endMs, stopPace);
      const usual = await seenAfter(endMs, pace);
      assert.ok(stop.lateMs <= 200, `${stop.lateMs} ms`);
      assert.ok(stop.looks <= usual.looks, `${stop.looks} and ${usual.looks} looks`);
    });
  }

  it('sees a machine at most 200 ms after its node has brought it back', async () => {
    for (const endMs of [1300, 1500, 1700, 1900, 2200]) {
      const { lateMs, looks } = await seenAfter(endMs, backPace);
      assert.ok(lateMs <= 200, `${lateMs} ms after ${endMs}`);
      assert.ok(looks <= 12, `${looks} looks`);
    }
  });
});

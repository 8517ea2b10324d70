import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Log } from '../../src/contract/context.ts';
import { Failure } from '../../src/failure.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { poll } from '../../src/kit/poll.ts';
import { withUndo } from '../../src/kit/undo.ts';

const start = process.hrtime.bigint();
const clock = () => Number(process.hrtime.bigint() - start) / 1e6;
const inMs = (endMs: number, undoMs = 200) =>
  createDeadline(clock, { endMs: clock() + endMs, undoEndMs: clock() + endMs + undoMs });
const never = new Promise<never>(() => {});

describe('a deadline', () => {
  it('a wait that ends in time has the result or the error of its promise', async () => {
    const deadline = inMs(1000);
    assert.equal(await deadline.within(Promise.resolve(7), 'counting'), 7);
    await assert.rejects(deadline.within(Promise.reject(new Error('own')), 'counting'), /own/);
    await deadline.sleep(10, 'napping');
    assert.ok(deadline.remainingMs() > 0 && deadline.remainingMs() < 995);
  });

  it('a deadline ends a wait and names it in the failure', async () => {
    const began = clock();
    await assert.rejects(inMs(60).within(never, 'cloning the disk'), {
      kind: 'timeout',
      message: /^Gave up after 0\.\d s while cloning the disk$/,
    });
    assert.ok(clock() - began < 300);
  });

  it('a deadline ends a wait that begins after all others ended, or after its end', async () => {
    const deadline = inMs(60);
    await deadline.within(Promise.resolve(), 'counting');
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(deadline.within(never, 'copying'), { kind: 'timeout' });
    await assert.rejects(deadline.within(never, 'removing'), { kind: 'timeout' });
  });

  it('a deadline ends by its own clock, even if its timer fires earlier', async () => {
    const slow = () => clock() / 4;
    const deadline = createDeadline(slow, { endMs: slow() + 10, undoEndMs: slow() + 10 });
    await assert.rejects(deadline.within(never, 'copying'));
    assert.equal(deadline.remainingMs(), 0);
  });

  it('a sleep that would exceed the deadline fails at once', async () => {
    const began = clock();
    await assert.rejects(inMs(100).sleep(5000, 'waiting for the guest'), { kind: 'timeout' });
    assert.ok(clock() - began < 50);
  });

  it('a deadline has a margin for undo after its end', async () => {
    const deadline = inMs(20, 500);
    await assert.rejects(deadline.within(never, 'working'));
    assert.equal(deadline.remainingMs(), 0);
    const undo = deadline.forUndo();
    assert.ok(undo.remainingMs() > 300);
    await undo.sleep(20, 'undoing');
  });

  it('a deadline that is cut short ends at once with the reason, and undo gets the time it is given', async () => {
    const deadline = inMs(60_000, 60_000);
    const began = clock();
    setTimeout(() => deadline.cutShort('Stopped by SIGTERM', 20_000), 10);
    await assert.rejects(
      deadline.within(never, 'booting'),
      /^Failure: Stopped by SIGTERM while booting$/,
    );
    assert.ok(clock() - began < 5000);
    const undoMs = () => deadline.forUndo().remainingMs();
    assert.ok(undoMs() > 10_000 && undoMs() <= 20_000);
    deadline.cutShort('Stopped by SIGINT', 60_000);
    assert.ok(undoMs() <= 20_000, 'the first signal counts');
    await assert.rejects(deadline.sleep(1, 'more'), /Stopped by SIGTERM/);
  });

  it('cutting a deadline short gives undo no more time than before', () => {
    const deadline = inMs(60, 40);
    deadline.cutShort('Stopped by SIGTERM', 5000);
    assert.ok(deadline.forUndo().remainingMs() <= 100);
  });

  it('a deadline may be further away than any timer reaches', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on('warning', warned);
    const leave = inMs(2 ** 32).onEnd(() => assert.fail('it is far away'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    leave();
    process.off('warning', warned);
    assert.deepEqual(warnings, []);
  });

  it('a deadline without a wait holds no timer', async () => {
    // The types of Node 18 do not know it yet.
    const node = process as unknown as { getActiveResourcesInfo(): string[] };
    const timers = () => node.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const deadline = inMs(60_000);
    await deadline.within(Promise.resolve(), 'counting');
    await deadline.sleep(1, 'napping');
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(timers() <= before, `${before} timers, then ${timers()}`);
  });

  it('the end of a deadline calls every remaining listener once', async () => {
    const deadline = inMs(30);
    const heard: string[] = [];
    deadline.onEnd(() => heard.push('a'));
    const leave = deadline.onEnd(() => heard.push('b'));
    deadline.onEnd(() => heard.push('c'));
    leave();
    await new Promise((resolve) => setTimeout(resolve, 80));
    deadline.cutShort('Stopped by SIGTERM', 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(heard, ['a', 'c']);
  });
});

describe('polling', () => {
  it('polling makes ever longer pauses until there is a value', async () => {
    const pauses: number[] = [];
    const deadline = { ...inMs(5000), sleep: async (ms: number) => void pauses.push(ms) };
    const look = async () => (pauses.length === 4 ? 'there' : undefined);
    const pace = { firstMs: 10, growth: 2, mostMs: 40 };
    assert.equal(await poll(deadline, 'waiting', look, pace), 'there');
    assert.deepEqual(pauses, [10, 20, 40, 40]);
  });

  it('polling ends with the deadline or with the error of its look', async () => {
    await assert.rejects(
      poll(inMs(50), 'the task to end', async () => undefined),
      /while the task to end/,
    );
    await assert.rejects(
      poll(inMs(5000), 'waiting', async () => {
        throw new Failure('denied', 'No right to look');
      }),
      { kind: 'denied' },
    );
  });
});

describe('undo', () => {
  const world = () => ({ deadline: inMs(1000), log: () => {} });

  it('is not called for when the work succeeds', async () => {
    const undone: string[] = [];
    const result = await withUndo(world(), async (undo) => {
      undo.add('remove a', async () => void undone.push('a'));
      return 'made';
    });
    assert.equal(result, 'made');
    assert.deepEqual(undone, []);
  });

  it('takes back the last step first and throws the failure of the work', async () => {
    const undone: string[] = [];
    const work = withUndo(world(), async (undo) => {
      undo.add('remove a', async () => void undone.push('a'));
      undo.add('remove b', async () => void undone.push('b'));
      throw new Failure('conflict', 'The disk is full');
    });
    await assert.rejects(work, { kind: 'conflict', message: 'The disk is full' });
    assert.deepEqual(undone, ['b', 'a']);
  });

  it('goes on when a step cannot be taken back, and reports both', async () => {
    const undone: string[] = [];
    const logged: unknown[] = [];
    const log: Log = (event, facts) => void logged.push([event, facts?.['what']]);
    const facts = { disk: 'd1' };
    const cause = new Error('ENOSPC');
    const work = withUndo({ ...world(), log }, async (undo) => {
      undo.add('remove a', async () => void undone.push('a'));
      undo.add('remove machine 7', async () => {
        throw new Failure('unreachable', 'Nobody answers', { advice: 'Is it on?' });
      });
      const more = { tenant: 'Full', outage: true, facts, cause };
      throw new Failure('conflict', 'The disk is full', more);
    });
    await assert.rejects(work, {
      kind: 'conflict',
      message: 'The disk is full. Could not remove machine 7: Nobody answers. Is it on?',
      ...{ tenant: 'Full', outage: true, facts, cause },
      advice: /outrigger audit/,
    });
    assert.deepEqual(undone, ['a']);
    assert.deepEqual(logged, [
      ['undo.failed', 'remove machine 7'],
      ['undo.done', 'remove a'],
    ]);
  });

  it('still has time when the work used all of its own', async () => {
    const deadline = inMs(30, 300);
    let undone = false;
    const work = withUndo({ deadline, log: () => {} }, async (undo) => {
      undo.add('remove a', async (margin) => {
        await margin.sleep(50, 'removing');
        undone = true;
      });
      await deadline.within(never, 'working');
    });
    await assert.rejects(work, { kind: 'timeout' });
    assert.ok(undone);
  });
});

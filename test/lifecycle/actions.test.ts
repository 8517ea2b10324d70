import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { World } from './memory-driver.ts';
import { failureOf, plant, run } from './subject.ts';

describe('a custom action', () => {
  it('that wants a machine for showing gets it in any state, finished or not', async () => {
    const world = new World();
    const { remoteId } = plant(world, { state: 'unknown' }, { state: 'building' });
    assert.equal((await run(world, 'Show')).message, `Show ${remoteId}`);
  });

  it('that changes its machine gets a finished one only', async () => {
    const world = new World();
    plant(world, {}, { state: 'building' });
    assert.match((await failureOf(run(world, 'Change'))).message, /was never finished/);
    assert.deepEqual(world.calls, []);
  });

  it('that wants a running machine gets no other', async () => {
    for (const state of ['off', 'saved', 'unknown'] as const) {
      const world = new World();
      plant(world, { state });
      assert.match((await failureOf(run(world, 'Poke'))).message, /is not running/);
      assert.deepEqual(world.calls, []);
    }
    const world = new World();
    const { remoteId } = plant(world, { state: 'paused' });
    assert.equal((await run(world, 'Poke')).message, `Poke ${remoteId}`);
  });

  it('that throws data away respects the protection of the machine, as a delete does', async () => {
    const world = new World();
    plant(world, { protected: true });
    assert.match((await failureOf(run(world, 'Wipe'))).message, /is protected/);
    assert.deepEqual(world.calls, []);
    await run(world, 'Change');
  });

  it('that wants none runs for an instance without a machine', async () => {
    assert.equal((await run(new World(), 'Idle')).message, 'Idle none');
  });

  it('that wants a machine for showing fails with not-found when the instance has none', async () => {
    const failure = await failureOf(run(new World(), 'Show'));
    assert.equal(failure.kind, 'not-found');
    assert.match(failure.message, /There is no machine of i-2-42-VM/);
  });

  it('that wants a machine for showing gets one that the remote system is taking away', async () => {
    const world = new World();
    const { remoteId } = plant(world, { leaving: true });
    assert.equal((await run(world, 'Show')).message, `Show ${remoteId}`);
  });

  it('that fails has its own steps taken back', async () => {
    for (const name of ['Show', 'Change', 'Poke', 'Idle']) {
      const world = new World();
      plant(world, { state: 'on' });
      world.break = { at: 1, how: 'after', lasts: false };
      await failureOf(run(world, name));
      assert.deepEqual(world.calls, [name, `${name} taken back`]);
    }
  });

  it('that the driver has no handler for is reported as a mistake of the program', async () => {
    for (const name of ['Unheard', 'ListSnapshots']) {
      const world = new World();
      world.without = ['snapshots'];
      plant(world);
      const failure = await failureOf(run(world, name));
      assert.equal(failure.kind, 'internal');
      assert.match(failure.message, new RegExp(`no handler for ${name}`));
    }
  });
});

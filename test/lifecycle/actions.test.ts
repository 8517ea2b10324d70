import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../src/contract/action.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant } from './subject.ts';

async function run(world: World, name: string, parameters = {}): Promise<Outcome> {
  return verbsIn(world).run(name, { instance, parameters, policy: {}, blueprint: {} });
}

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

  it('that wants none runs for an instance without a machine', async () => {
    assert.equal((await run(new World(), 'Idle')).message, 'Idle none');
  });
});

describe('snapshots', () => {
  const snap = { snap_name: 'before' };

  it('are listed, made and removed by name', async () => {
    const world = new World();
    plant(world);
    await run(world, 'CreateSnapshot', snap);
    assert.deepEqual(
      (await run(world, 'ListSnapshots')).rows?.map(({ name }) => name),
      ['before'],
    );
    await run(world, 'DeleteSnapshot', snap);
    assert.deepEqual((await run(world, 'ListSnapshots')).rows, []);
  });

  const refused = [
    ['a name that there is already', snap, /a snapshot before already/],
    ['more than the operator allows', { snap_name: 'third' }, /2 of at most 2/],
    [
      'memory where the operator does not allow it',
      { ...snap, snap_name: 'm', snap_save_memory: true },
      /of at most|not allowed/,
    ],
    [
      'a name that the remote system keeps for itself',
      { snap_name: 'Current' },
      /cannot be called Current/,
    ],
  ] as const;
  for (const [what, parameters, why] of refused) {
    it(`are refused with ${what}`, async () => {
      const world = new World();
      const saved = { disk: 'x', cpus: 2 };
      plant(world, {
        snapshots: [
          { name: 'before', ...saved },
          { name: 'second', ...saved },
        ],
      });
      assert.match((await failureOf(run(world, 'CreateSnapshot', parameters))).message, why);
      assert.deepEqual(world.calls, []);
    });
  }

  it('with memory are refused unless the operator allows it', async () => {
    const world = new World();
    plant(world);
    const parameters = { ...snap, snap_save_memory: true };
    assert.match(
      (await failureOf(run(world, 'CreateSnapshot', parameters))).message,
      /not allowed/,
    );
  });

  it('that do not exist are neither restored nor removed', async () => {
    const world = new World();
    plant(world);
    for (const name of ['RestoreSnapshot', 'DeleteSnapshot']) {
      assert.equal((await failureOf(run(world, name, snap))).kind, 'not-found');
    }
    assert.deepEqual(world.calls, []);
  });

  for (const state of ['on', 'off'] as const) {
    it(`bring back the disk of a machine that is ${state}, which keeps its size, mark and power`, async () => {
      const world = new World();
      const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];
      const { remoteId } = plant(world, { state, snapshots });
      await run(world, 'RestoreSnapshot', snap);
      const now = world.read(remoteId);
      assert.deepEqual(
        [now.disk, now.cpus, now.mark, now.state],
        ['saved', instance.cpus, markFor(remoteId), state],
      );
    });
  }

  for (const at of [1, 2, 3]) {
    it(`that break off at change ${at} leave today's size and mark, and the machine on`, async () => {
      const world = new World();
      const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];
      const { remoteId } = plant(world, { state: 'on', snapshots });
      world.break = { at, how: 'before', lasts: false };
      await failureOf(run(world, 'RestoreSnapshot', snap));
      const { cpus, mark, state } = world.read(remoteId);
      assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'on']);
    });
  }
});

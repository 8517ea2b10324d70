import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verbsIn, World } from './memory-driver.ts';
import { instance, plant } from './subject.ts';

describe('stop', () => {
  for (const [state, calls] of [
    ['on', ['cutPower', 'ensureStaysOff']],
    ['paused', ['cutPower', 'ensureStaysOff']],
    ['unknown', ['cutPower', 'ensureStaysOff']],
    ['off', ['ensureStaysOff']],
    ['saved', []],
  ] as const) {
    it(`does with a machine that is ${state} what switches it off for good, and no more`, async () => {
      const world = new World();
      plant(world, { state });
      await verbsIn(world).stop(instance, 'hard');
      assert.deepEqual(world.calls, calls);
    });
  }

  it('warns in the log that it left the saved memory of a machine alone', async () => {
    const world = new World();
    plant(world, { state: 'saved' });
    await verbsIn(world).stop(instance, 'hard');
    assert.deepEqual(world.facts.get('stop.saved'), { machine: '1', level: 'warn' });
  });

  it('asks a running guest first when graceful, and cuts no power when it goes down', async () => {
    const world = new World();
    plant(world, { state: 'on' });
    await verbsIn(world).stop(instance, 'graceful');
    assert.deepEqual(world.calls, ['shutDown', 'ensureStaysOff']);
  });

  it('cuts the power of a guest that does not go down', async () => {
    const world = new World();
    world.listens = false;
    plant(world, { state: 'on' });
    await verbsIn(world).stop(instance, 'graceful');
    assert.deepEqual(world.calls, ['shutDown', 'cutPower', 'ensureStaysOff']);
    assert.deepEqual(world.log, ['stop.ungraceful']);
    assert.deepEqual(world.facts.get('stop.ungraceful'), { machine: '1', waitedMs: 1000 });
  });

  it('asks no guest that is paused, or whose operator allows no time for it', async () => {
    for (const [state, graceSeconds] of [
      ['paused', 1],
      ['on', 0],
      ['on', 0.0009],
    ] as const) {
      const world = new World();
      world.settings = { graceSeconds };
      plant(world, { state });
      await verbsIn(world).stop(instance, 'graceful');
      assert.deepEqual(world.calls, ['cutPower', 'ensureStaysOff']);
    }
  });

  for (const state of ['built', 'building'] as const) {
    it(`leaves a machine alone that the remote system is taking away and whose mark says ${state}`, async () => {
      const world = new World();
      plant(world, { leaving: true, state: 'on' }, { state });
      await verbsIn(world).stop(instance, 'hard');
      assert.deepEqual([world.calls, world.log], [[], ['machine.leaving']]);
      assert.deepEqual(world.facts.get('machine.leaving'), { machine: '1', stuck: false });
    });
  }

  it('gives the guest as long as the operator allows, and at most half of the time that is left', async () => {
    for (const [graceSeconds, ms, least, most] of [
      [1, 5_000, 1_000, 1_000],
      [60, 4_000, 1_000, 2_000],
    ] as const) {
      const world = new World();
      world.settings = { graceSeconds };
      plant(world, { state: 'on' });
      const waits: number[] = [];
      world.replaced = {
        shutDown: async (_machine, _step, wait) => {
          waits.push(wait);
          return true;
        },
      };
      await verbsIn(world, ms).stop(instance, 'graceful');
      const [wait = 0] = waits;
      assert.ok(wait >= least && wait <= most, `${wait} ms`);
    }
  });

  it('switches off a machine whose removal has failed half-way, and keeps it', async () => {
    const world = new World();
    const { remoteId } = plant(world, { leaving: true, stuck: true, state: 'on' });
    await verbsIn(world).stop(instance, 'hard');
    assert.equal(world.read(remoteId).state, 'off');
  });

  it('removes a machine that was never finished and whose removal has failed half-way', async () => {
    const world = new World();
    plant(world, { leaving: true, stuck: true, state: 'on' }, { state: 'building' });
    await verbsIn(world).stop(instance, 'hard');
    assert.deepEqual([world.calls, world.machines.size], [['destroy'], 0]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant } from './subject.ts';

describe('start', () => {
  for (const [state, calls] of [
    ['off', ['powerOn']],
    ['on', []],
    ['paused', ['resume']],
    ['saved', ['resume']],
  ] as const) {
    it(`ends with a machine that was ${state} on`, async () => {
      const world = new World();
      const { remoteId } = plant(world, { state });
      await verbsIn(world).start(instance, {});
      assert.deepEqual([world.read(remoteId).state, world.calls], ['on', calls]);
    });
  }

  it('brings the hardware of a machine that is off up to date', async () => {
    const world = new World();
    const { remoteId } = plant(world, { state: 'off', cpus: 8 });
    await verbsIn(world).start(instance, {});
    assert.equal(world.read(remoteId).cpus, instance.cpus);
  });

  for (const state of ['on', 'paused', 'saved', 'unknown'] as const) {
    it(`refuses a machine that is ${state} with other hardware, and changes nothing`, async () => {
      const world = new World();
      plant(world, { state, cpus: 8 });
      const failure = await failureOf(verbsIn(world).start(instance, {}));
      assert.match(failure.message, /other NICs, CPUs or memory/);
      assert.deepEqual(world.calls, []);
    });
  }
});

describe('reboot', () => {
  for (const state of ['on', 'paused'] as const) {
    it(`restarts a machine that is ${state}`, async () => {
      const world = new World();
      plant(world, { state });
      await verbsIn(world).reboot(instance);
      assert.deepEqual(world.calls, ['restart']);
    });
  }

  for (const state of ['off', 'saved', 'unknown'] as const) {
    it(`refuses a machine that is ${state}`, async () => {
      const world = new World();
      plant(world, { state });
      assert.match((await failureOf(verbsIn(world).reboot(instance))).message, /not running/);
      assert.deepEqual(world.calls, []);
    });
  }
});

for (const verb of ['start', 'reboot'] as const) {
  describe(`${verb} without a finished machine`, () => {
    const run = async (world: World): Promise<void> => {
      const verbs = verbsIn(world);
      await (verb === 'start' ? verbs.start(instance, {}) : verbs.reboot(instance));
    };

    it('fails with not-found when there is none', async () => {
      assert.equal((await failureOf(run(new World()))).kind, 'not-found');
    });

    it('says where an earlier answer saw the machine', async () => {
      const world = new World();
      world.replaced = { storedPlace: () => 'it was prepared on hv9' };
      const { message, tenant } = await failureOf(run(world));
      assert.equal(
        message,
        `There is no machine of i-2-42-VM (${instance.uuid}); it was prepared on hv9`,
      );
      assert.equal(tenant, 'This instance has no machine');
    });

    it('refuses a machine that was never finished', async () => {
      const world = new World();
      plant(world, { state: 'on' }, { state: 'building' });
      assert.match((await failureOf(run(world))).message, /was never finished/);
      assert.deepEqual(world.calls, []);
    });

    it('refuses a machine that the remote system is taking away', async () => {
      const world = new World();
      plant(world, { leaving: true });
      assert.match((await failureOf(run(world))).message, /is being given back/);
      assert.deepEqual(world.calls, []);
    });
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant, plantStranger } from './subject.ts';

const verbs = ['stop', 'delete'] as const;

async function run(world: World, verb: (typeof verbs)[number] | 'graceful'): Promise<void> {
  const opened = verbsIn(world);
  if (verb === 'delete') await opened.delete(instance);
  else await opened.stop(instance, verb === 'graceful' ? 'graceful' : 'hard');
}

for (const verb of verbs) {
  describe(verb, () => {
    it('succeeds for an instance that is proved to have no machine, and touches no other', async () => {
      const world = new World();
      plantStranger(world);
      await run(world, verb);
      assert.deepEqual(world.calls, []);
    });

    it('removes a machine that was never finished', async () => {
      const world = new World();
      plant(world, { state: 'on' }, { state: 'building' });
      await run(world, verb);
      assert.equal(world.machines.size, 0);
    });

    it('treats a machine that another call finishes at that moment as a finished one', async () => {
      const world = new World();
      const machine = plant(world, { state: 'on' }, { state: 'building' });
      const { mark } = machine;
      world.before.set('claimRemoval', () => {
        if (typeof mark === 'object') world.set(machine, { mark: { ...mark, state: 'built' } });
      });
      await run(world, verb);
      assert.equal(
        world.machines.get(machine.remoteId)?.state,
        verb === 'stop' ? 'off' : undefined,
      );
    });

    for (const [doubt, put] of [
      ['two machines carry the mark', (world: World) => [plant(world), plant(world)]],
      ['a copy carries the mark', (world: World) => [plant(world, {}, { remoteId: 'other' })]],
      [
        'the mark is unreadable',
        (world: World) => [world.put({ name: instance.name, mark: 'unreadable' })],
      ],
      ['an unmarked machine has its name', (world: World) => [world.put({ name: instance.name })]],
      [
        'a machine cannot be seen',
        (world: World) => [world.put({ name: undefined, mark: 'unreadable' })],
      ],
      ['its machine is a template now', (world: World) => [plant(world, { template: true })]],
    ] as const) {
      it(`changes nothing while ${doubt}`, async () => {
        const world = new World();
        put(world);
        const before = [...world.machines.values()];
        assert.equal((await failureOf(run(world, verb))).kind, 'conflict');
        assert.deepEqual([[...world.machines.values()], world.calls], [before, []]);
      });
    }

    it('looks again for a machine that was not where it had been found', async () => {
      const world = new World();
      const machine = plant(world, { state: 'on' });
      const primitive = verb === 'stop' ? 'cutPower' : 'destroy';
      let moved = false;
      world.replaced = {
        [primitive]: async () => {
          if (moved) return world.set(machine, { state: 'off' });
          moved = true;
          return world.read('elsewhere');
        },
      };
      await run(world, verb);
      assert.ok(world.log.includes('machine.moved'));
    });

    it('ends for a machine that is never where it is found', async () => {
      const world = new World();
      plant(world, { state: 'on' });
      const never = async () => world.read('elsewhere');
      world.replaced = { cutPower: never, destroy: async () => void (await never()) };
      assert.equal((await failureOf(run(world, verb))).remote.status, 404);
    });
  });
}

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
      await run(world, 'stop');
      assert.deepEqual(world.calls, calls);
    });
  }

  it('asks a running guest first when graceful, and cuts no power when it goes down', async () => {
    const world = new World();
    plant(world, { state: 'on' });
    await run(world, 'graceful');
    assert.deepEqual(world.calls, ['shutDown', 'ensureStaysOff']);
  });

  it('cuts the power of a guest that does not go down', async () => {
    const world = new World();
    world.listens = false;
    plant(world, { state: 'on' });
    await run(world, 'graceful');
    assert.deepEqual(world.calls, ['shutDown', 'cutPower', 'ensureStaysOff']);
  });

  it('asks no guest that is paused, or whose operator allows no time for it', async () => {
    for (const [state, graceSeconds] of [
      ['paused', 1],
      ['on', 0],
    ] as const) {
      const world = new World();
      world.settings = { graceSeconds };
      plant(world, { state });
      await run(world, 'graceful');
      assert.deepEqual(world.calls, ['cutPower', 'ensureStaysOff']);
    }
  });

  it('leaves a machine alone that the remote system is taking away', async () => {
    const world = new World();
    plant(world, { leaving: true, state: 'on' });
    await run(world, 'stop');
    assert.deepEqual(world.calls, []);
  });

  it('switches off a machine whose removal has failed half-way, and keeps it', async () => {
    const world = new World();
    const { remoteId } = plant(world, { leaving: true, stuck: true, state: 'on' });
    await run(world, 'stop');
    assert.equal(world.read(remoteId).state, 'off');
  });

  it('removes a machine that was never finished and whose removal has failed half-way', async () => {
    const world = new World();
    plant(world, { leaving: true, stuck: true, state: 'on' }, { state: 'building' });
    await run(world, 'stop');
    assert.deepEqual([world.calls, world.machines.size], [['destroy'], 0]);
  });
});

describe('delete', () => {
  it('removes the machine and leaves every other alone', async () => {
    const world = new World();
    plant(world, { state: 'on' });
    const stranger = plantStranger(world);
    await run(world, 'delete');
    assert.deepEqual([...world.machines.values()], [stranger]);
  });

  it('gives an adopted machine back, off and without its mark', async () => {
    const world = new World();
    const { remoteId } = plant(world, { state: 'on' }, { origin: 'adopted' });
    await run(world, 'delete');
    const { state, mark, disk } = world.read(remoteId);
    assert.deepEqual([state, mark, disk], ['off', undefined, 'own']);
  });

  it('removes an adopted machine where the operator says so', async () => {
    const world = new World();
    world.settings = { deleteAdopted: true };
    plant(world, {}, { origin: 'adopted' });
    await run(world, 'delete');
    assert.equal(world.machines.size, 0);
  });

  it('respects the protection of a finished machine', async () => {
    const world = new World();
    plant(world, { protected: true });
    assert.match((await failureOf(run(world, 'delete'))).message, /is protected/);
    assert.equal(world.machines.size, 1);
  });

  it('removes an unfinished machine whatever protection its template gave it', async () => {
    const world = new World();
    plant(world, { protected: true }, { state: 'building' });
    await run(world, 'delete');
    assert.equal(world.machines.size, 0);
  });

  it('sends a machine off again that got stuck while it was being taken away', async () => {
    const world = new World();
    plant(world, { leaving: true });
    await run(world, 'delete');
    assert.deepEqual([world.calls, world.machines.size], [['destroy'], 0]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Stored, verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, plantStranger } from './subject.ts';

async function create(world: World): Promise<void> {
  await verbsIn(world).create(instance, {});
}

function only(world: World): Stored {
  const [machine, second] = [...world.machines.values()];
  assert.ok(machine !== undefined && second === undefined, 'there is exactly one machine');
  return machine;
}

describe('create', () => {
  it('ends with one machine that runs and whose mark says built', async () => {
    const world = new World();
    await create(world);
    const { state, mark, remoteId } = only(world);
    assert.deepEqual([state, mark], ['on', markFor(remoteId)]);
  });

  it('marks the machine as built only after it runs', async () => {
    const world = new World();
    await create(world);
    assert.deepEqual(world.calls, ['make', 'powerOn', 'writeMark']);
  });

  for (const [state, calls] of [
    ['on', []],
    ['off', ['powerOn']],
    ['paused', ['resume']],
    ['saved', ['resume']],
    ['unknown', ['resume']],
  ] as const) {
    it(`switches a finished machine that is ${state} on as a start does, and makes none`, async () => {
      const world = new World();
      plant(world, { state });
      await create(world);
      assert.deepEqual([only(world).state, world.calls], ['on', calls]);
      assert.deepEqual(world.facts.get('create.exists'), { machine: '1' });
    });
  }

  it('refuses a finished machine that runs with other hardware', async () => {
    const world = new World();
    plant(world, { state: 'on', cpus: 4 });
    const failure = await failureOf(create(world));
    assert.match(failure.message, /is running with other NICs, CPUs or memory/);
    assert.deepEqual(world.calls, []);
  });

  it('hands an unfinished machine to make, and ends with one machine', async () => {
    const world = new World();
    plant(world, {}, { state: 'building' });
    await create(world);
    assert.equal(only(world).disk, 'new');
  });

  it('adopts an unmarked machine where setting, name and stored id agree', async () => {
    const world = new World();
    world.settings = { adoptUnmarked: true };
    const { remoteId } = world.put({ name: instance.name, state: 'off' });
    const stored = { ...instance, stored: { id: remoteId } };
    await verbsIn(world).create(stored, {});
    assert.deepEqual(only(world).mark, markFor(remoteId, { origin: 'adopted' }));
  });

  it('changes nothing while two machines carry the mark', async () => {
    const world = new World();
    plant(world);
    plant(world);
    const failure = await failureOf(create(world));
    assert.equal(failure.kind, 'conflict');
    assert.deepEqual(world.calls, []);
  });

  it('leaves every other machine alone', async () => {
    const world = new World();
    const stranger = plantStranger(world);
    await create(world);
    assert.deepEqual(world.read(stranger.remoteId), stranger);
  });

  it('succeeds when another call has written the built mark first', async () => {
    const world = new World();
    world.before.set('writeMark', () => {
      const machine = only(world);
      world.set(machine, { mark: markFor(machine.remoteId) });
    });
    await create(world);
    assert.equal(only(world).state, 'on');
    assert.ok(world.log.includes('create.finished-by-another'));
  });

  it('begins anew when another call has taken the machine away', async () => {
    const world = new World();
    world.before.set('writeMark', () => world.set(only(world), { announced: true }));
    await create(world);
    assert.equal(only(world).announced, undefined);
    assert.equal(world.calls.filter((name) => name === 'make').length, 2);
  });

  it('leaves a machine alone that make says another call has finished', async () => {
    const world = new World();
    world.replaced = {
      make: async () => plant(world, { state: 'on' }),
    };
    await create(world);
    assert.deepEqual(world.calls, []);
  });
});

describe('create that breaks off', () => {
  for (const at of [1, 2, 3]) {
    for (const how of ['before', 'after'] as const) {
      if (at === 3) {
        it(`writes the built mark again that got lost ${how} it was written, and succeeds`, async () => {
          const world = new World();
          world.break = { at, how, lasts: false };
          await create(world);
          const { remoteId, state, mark } = only(world);
          assert.deepEqual([state, mark], ['on', markFor(remoteId)]);
        });
      } else {
        it(`fails at change ${at} ${how} it is done, and takes back what it made`, async () => {
          const world = new World();
          world.break = { at, how, lasts: false };
          await failureOf(create(world));
          // A `make` that never answered left its machine to the driver's own undo.
          assert.equal(world.machines.size, at === 1 && how === 'after' ? 1 : 0);
        });
      }

      it(`is killed at change ${at} ${how} it is done, and the stop after it leaves nothing unfinished`, async () => {
        const world = new World();
        world.break = { at, how, lasts: true };
        await failureOf(create(world));
        world.mend();
        await verbsIn(world).stop(instance, 'hard');
        const states = [...world.machines.values()].map(({ mark, state }) => [
          typeof mark === 'object' ? mark.state : mark,
          state,
        ]);
        assert.deepEqual(states, at === 3 && how === 'after' ? [['built', 'off']] : []);
      });

      it(`is killed at change ${at} ${how} it is done, and the next create ends with one machine`, async () => {
        const world = new World();
        world.break = { at, how, lasts: true };
        await failureOf(create(world));
        world.mend();
        await create(world);
        const { remoteId, state, mark } = only(world);
        assert.deepEqual([state, mark], ['on', markFor(remoteId)]);
      });
    }
  }
});

describe('prepare', () => {
  it('hands nothing back for a driver without it, which is no reason to fail a deployment', async () => {
    const world = new World();
    world.without = ['prepare'];
    assert.deepEqual(await verbsIn(world).prepare(instance, {}), {});
  });

  it('adopts and changes nothing', async () => {
    const world = new World();
    world.settings = { adoptUnmarked: true };
    const { remoteId } = world.put({ name: instance.name });
    const verbs = verbsIn(world);
    const stored = { ...instance, stored: { id: remoteId } };
    assert.deepEqual(await verbs.prepare(stored, {}), { details: { id: remoteId } });
    assert.deepEqual([world.calls, world.read(remoteId).mark], [[], undefined]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, plantStranger } from './subject.ts';

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
      assert.deepEqual(world.calls, ['claimRemoval', 'destroy']);
      assert.deepEqual(world.log, ['machine.unfinished']);
    });

    it('removes a machine that was never finished on a remote system without announcements', async () => {
      const world = new World();
      world.without = ['claimRemoval'];
      plant(world, { state: 'on' }, { state: 'building' });
      await run(world, verb);
      assert.deepEqual([world.calls, world.machines.size], [['destroy'], 0]);
    });

    it('removes what interrupted creates have left, and then does its work on the machine', async () => {
      const world = new World();
      const machine = plant(world, { state: 'on' });
      const left = [
        plant(world, {}, { state: 'building' }),
        plant(world, {}, { state: 'building' }),
      ];
      const { mark } = machine;
      assert.ok(typeof mark === 'object');
      world.replaced = { find: async () => ({ kind: 'own', machine, mark, partials: left }) };
      await run(world, verb);
      const rest = verb === 'stop' ? [{ ...machine, state: 'off' }] : [];
      assert.deepEqual([...world.machines.values()], rest);
      assert.equal(world.calls.filter((name) => name === 'claimRemoval').length, 2);
    });

    it('fails at once when the remote system refuses, and looks for no other machine', async () => {
      const world = new World();
      plant(world, { state: 'on' });
      let looks = 0;
      const refuse = async () => {
        throw new Failure('denied', 'You may not', { remote: { status: 403 } });
      };
      world.replaced = {
        list: async () => {
          looks += 1;
          return world.readAll();
        },
        cutPower: refuse,
        destroy: refuse,
      };
      assert.equal((await failureOf(run(world, verb))).kind, 'denied');
      assert.equal(looks, 1);
    });

    it('says in the log that there is no machine', async () => {
      const world = new World();
      await run(world, verb);
      assert.deepEqual(world.log, [`${verb}.missing`]);
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
      assert.ok(world.log.includes('machine.finished-meanwhile'));
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
      let tries = 0;
      const never = async () => {
        tries += 1;
        return world.read('elsewhere');
      };
      world.replaced = { cutPower: never, destroy: async () => void (await never()) };
      assert.equal((await failureOf(run(world, verb))).remote.status, 404);
      assert.equal(tries, 5);
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

  it('warns in the log that it left the saved memory of a machine alone', async () => {
    const world = new World();
    plant(world, { state: 'saved' });
    await run(world, 'stop');
    assert.deepEqual(world.facts.get('stop.saved'), { machine: '1', level: 'warn' });
  });

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
      await run(world, 'graceful');
      assert.deepEqual(world.calls, ['cutPower', 'ensureStaysOff']);
    }
  });

  for (const state of ['built', 'building'] as const) {
    it(`leaves a machine alone that the remote system is taking away and whose mark says ${state}`, async () => {
      const world = new World();
      plant(world, { leaving: true, state: 'on' }, { state });
      await run(world, 'stop');
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
    assert.ok(world.log.includes('machine.released'));
  });

  it('gives an adopted machine back although it is protected', async () => {
    const world = new World();
    const { remoteId } = plant(world, { protected: true }, { origin: 'adopted' });
    await run(world, 'delete');
    assert.equal(world.read(remoteId).mark, undefined);
  });

  it('asks no guest of an adopted machine before it is given back', async () => {
    const world = new World();
    plant(world, { state: 'on' }, { origin: 'adopted' });
    await run(world, 'delete');
    assert.deepEqual(world.calls, ['cutPower', 'ensureStaysOff', 'writeMark']);
  });

  it('keeps the mark of an adopted machine that another call changes at that moment', async () => {
    const world = new World();
    const machine = plant(world, {}, { origin: 'adopted' });
    const theirs = markFor(machine.remoteId, { uuid: 'other' });
    world.before.set('writeMark', () => world.set(machine, { mark: theirs }));
    assert.match((await failureOf(run(world, 'delete'))).message, /was changed while/);
    assert.deepEqual(world.read(machine.remoteId).mark, theirs);
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

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant, plantStranger } from './subject.ts';

const verbs = ['stop', 'delete'] as const;

async function run(world: World, verb: (typeof verbs)[number]): Promise<void> {
  const opened = verbsIn(world);
  if (verb === 'delete') await opened.delete(instance);
  else await opened.stop(instance, 'hard');
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
      world.replaced = { find: async () => ({ kind: 'own', machine, partials: left }) };
      await run(world, verb);
      const rest = verb === 'stop' ? [{ ...machine, state: 'off' }] : [];
      assert.deepEqual([...world.machines.values()], rest);
      assert.equal(world.calls.filter((name) => name === 'claimRemoval').length, 2);
    });

    it('fails when one of those cannot be removed, and leaves the machine as it is', async () => {
      const world = new World();
      const machine = plant(world, { state: 'on' });
      const partial = plant(world, {}, { state: 'building' });
      const { mark } = machine;
      assert.ok(typeof mark === 'object');
      world.replaced = { find: async () => ({ kind: 'own', machine, partials: [partial] }) };
      world.break = { at: 2, how: 'before', lasts: false };
      assert.match((await failureOf(run(world, verb))).message, /broke at destroy/);
      assert.deepEqual(world.read(machine.remoteId), machine);
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

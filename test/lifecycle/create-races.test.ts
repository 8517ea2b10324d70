import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant } from './subject.ts';

/** Lets the clock of the deadline jump ahead; answers how. */
function clockOf(t: TestContext): { jump(ms: number): void } {
  const now = performance.now.bind(performance);
  let ahead = 0;
  t.mock.method(performance, 'now', () => now() + ahead);
  return {
    jump(ms) {
      ahead += ms;
    },
  };
}

function makes(world: World): number {
  return world.calls.filter((name) => name === 'make').length;
}

describe('create whose machine another call takes away', () => {
  it('begins anew after a pause each time, and gives up after five rounds', async (t) => {
    const world = new World();
    t.mock.method(Math, 'random', () => 0);
    world.replaced = { writeMark: async () => 'lost' };
    const began = performance.now();
    const failure = await failureOf(verbsIn(world).create(instance, {}));
    assert.deepEqual([failure.reason, makes(world)], ['taken-away', 5]);
    assert.match(failure.message, /has begun to take machine 5 of i-2-42-VM away/);
    assert.ok(performance.now() - began > 4 * 95, 'four pauses of 100 ms');
    const again = world.log.filter((event) => event === 'create.taken-away');
    assert.equal(again.length, 4);
  });

  for (const [seconds, rounds] of [
    [29, 2],
    [31, 1],
  ] as const) {
    it(`after ${seconds} seconds makes ${rounds} in all: only a twin of the create is that fast`, async (t) => {
      const world = new World();
      const clock = clockOf(t);
      world.before.set('writeMark', () => {
        clock.jump(seconds * 1000);
        for (const machine of world.machines.values()) world.set(machine, { announced: true });
      });
      const created = verbsIn(world, 120_000).create(instance, {});
      if (rounds === 2) await created;
      else assert.equal((await failureOf(created)).reason, 'taken-away');
      assert.equal(makes(world), rounds);
    });
  }

  it('ends with the machine that the other call has put in its place', async () => {
    const world = new World();
    world.replaced = {
      writeMark: async () => {
        world.machines.clear();
        plant(world, { state: 'on' });
        return 'lost';
      },
    };
    await verbsIn(world).create(instance, {});
    assert.ok(!world.log.includes('create.finished-by-another'));
    assert.deepEqual([world.machines.size, makes(world)], [1, 1]);
  });
});

describe('create whose built mark', () => {
  it('is written at once asks for nothing more', async () => {
    const world = new World();
    let lists = 0;
    world.replaced = {
      list: async () => {
        lists += 1;
        return world.readAll();
      },
    };
    await verbsIn(world).create(instance, {});
    assert.deepEqual([lists, world.log], [1, []]);
  });

  const broken = new Failure('upstream', 'The connection broke');
  const denied = new Failure('denied', 'You may not', { remote: { status: 403 } });
  const refused = new Failure('conflict', 'The machine is locked', { reason: 'powershell' });
  for (const [what, failure, times] of [
    ['never gets an answer is written three times', broken, 3],
    ['the remote system refuses is written once', denied, 1],
    ['PowerShell refuses, which knows no HTTP status, is written once', refused, 1],
    ['the driver has a mistake in is written once', new TypeError('x is undefined'), 1],
  ] as const) {
    it(`${what}, and then the create fails and takes its machine back`, async () => {
      const world = new World();
      let writes = 0;
      world.replaced = {
        writeMark: async () => {
          writes += 1;
          throw failure;
        },
      };
      const thrown = await failureOf(verbsIn(world).create(instance, {}));
      assert.ok(thrown === failure || thrown.cause === failure);
      assert.deepEqual([writes, world.machines.size], [times, 0]);
    });
  }

  it('was written although no answer came is not written again', async () => {
    const world = new World();
    world.break = { at: 3, how: 'after', lasts: false };
    await verbsIn(world).create(instance, {});
    assert.deepEqual(world.calls, ['make', 'powerOn', 'writeMark']);
    assert.deepEqual(world.log, ['create.mark-unanswered']);
  });

  it('gets no answer while the driver cannot find the machine by a mistake fails with that mistake', async () => {
    const world = new World();
    const mistake = new Failure('internal', 'x is undefined');
    world.replaced = {
      writeMark: async () => {
        throw broken;
      },
      list: async () => {
        if (world.calls.includes('powerOn')) throw mistake;
        return world.readAll();
      },
    };
    assert.equal(await failureOf(verbsIn(world).create(instance, {})), mistake);
  });
});

describe('create whose machine changed under it', () => {
  it('fails with the outage that hides how, and does not begin anew', async () => {
    const world = new World();
    const outage = new Failure('unreachable', 'No server answers');
    let lists = 0;
    world.replaced = {
      writeMark: async () => 'lost',
      list: async () => {
        lists += 1;
        if (lists === 2) throw outage;
        return world.readAll();
      },
    };
    assert.equal(await failureOf(verbsIn(world).create(instance, {})), outage);
    assert.equal(makes(world), 1);
  });
});

describe('create over unfinished machines of the instance', () => {
  it('hands all of them to make, the one that was found as the instance’s first', async () => {
    const world = new World();
    const [first, second] = [
      plant(world, {}, { state: 'building' }),
      plant(world, {}, { state: 'building' }),
    ];
    const { mark } = first;
    assert.ok(typeof mark === 'object');
    const given: string[] = [];
    world.replaced = {
      find: async () => ({ kind: 'own', machine: first, partials: [second] }),
      make: async ({ partials, markFor: markOf }) => {
        given.push(...partials.map(({ remoteId }) => remoteId));
        assert.deepEqual(markOf('9'), markFor('9', { state: 'building' }));
        return world.set(first, { state: 'off' });
      },
    };
    await verbsIn(world).create(instance, {});
    assert.deepEqual(given, [first.remoteId, second.remoteId]);
  });

  it('hands those to make that the remote system is taking away', async () => {
    const world = new World();
    const leaving = plant(world, { leaving: true });
    await verbsIn(world).create(instance, {});
    assert.equal(world.machines.has(leaving.remoteId), false);
  });

  it('tells prepare of all of them, and of a finished machine beside them', async () => {
    for (const state of ['building', 'built'] as const) {
      const world = new World();
      const machine = plant(world, {}, { state });
      const partial = plant(world, {}, { state: 'building' });
      const { mark } = machine;
      assert.ok(typeof mark === 'object');
      world.replaced = {
        find: async () => ({ kind: 'own', machine, partials: [partial] }),
        prepare: async (_plan, found) => {
          const ids = found.partials.map(({ remoteId }) => remoteId).join();
          return { details: { id: `${found.machine?.remoteId ?? 'none'} ${ids}` } };
        },
      };
      const told = state === 'built' ? '1 2' : 'none 1,2';
      assert.deepEqual(await verbsIn(world).prepare(instance, {}), { details: { id: told } });
    }
  });
});

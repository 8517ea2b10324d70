import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Blueprint } from '../../src/contract/driver.ts';
import { replaceDisks } from './memory-disks.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, run } from './subject.ts';

const snap = { snap_name: 'before' };

function slots(world: World, remoteId: string): Readonly<Record<string, string | undefined>> {
  const disks = world.read(remoteId).disks ?? [];
  return Object.fromEntries(disks.map(({ name, slot }) => [name, slot]));
}

describe('a snapshot that is restored', () => {
  const disks = [
    { name: 'younger', number: 1, slot: 'slot-old' },
    { name: 'old', number: 2, slot: undefined },
    { name: 'same', number: 3, slot: 'slot-same' },
  ];
  const saved = { disk: 'saved', cpus: 2, attached: ['old', 'same'] };
  const today = { younger: 'slot-old', old: undefined, same: 'slot-same' };

  it('leaves each data disk where it is today, attached or detached', async () => {
    const world = new World();
    const { remoteId } = plant(world, { disks, snapshots: [{ name: 'before', ...saved }] });
    await run(world, 'RestoreSnapshot', snap);
    assert.equal(world.read(remoteId).disk, 'saved');
    assert.deepEqual(slots(world, remoteId), today);
    // A disk of that day makes way before the one of today comes to its place.
    assert.deepEqual(world.calls, ['restore', 'keepToday', 'detachDisk', 'attachDisk']);
  });

  for (const at of [1, 2, 3, 4]) {
    it(`leaves them so when change ${at} breaks off`, async () => {
      const world = new World();
      const { remoteId } = plant(world, { disks, snapshots: [{ name: 'before', ...saved }] });
      world.break = { at, how: 'after', lasts: false };
      await failureOf(run(world, 'RestoreSnapshot', snap));
      assert.deepEqual(slots(world, remoteId), today);
    });
  }

  it('is restored by a driver without disks as ever', async () => {
    const world = new World();
    world.without = ['disks'];
    const { remoteId } = plant(world, { snapshots: [{ name: 'before', ...saved }] });
    await run(world, 'RestoreSnapshot', snap);
    assert.equal(world.read(remoteId).disk, 'saved');
  });

  it('ends with a failure when the disks do not stay where they are put', async () => {
    const world = new World();
    replaceDisks(world, { attach: async () => 'lost', detach: async () => 'lost' });
    plant(world, { disks, snapshots: [{ name: 'before', ...saved }] });
    const failure = await failureOf(run(world, 'RestoreSnapshot', snap));
    assert.match(failure.message, /do not stay as they are put/);
  });
});

describe('data disks that an instance is made with', () => {
  const blueprint: Blueprint = { data_disks: [{ sizeGb: 5 }, { sizeGb: 7, storage: 'silver' }] };
  const own = (world: World) => [...world.machines.values()][0];

  it('are made before its first start, in their order', async () => {
    const world = new World();
    await verbsIn(world).create(instance, blueprint);
    assert.deepEqual(world.calls, ['make', 'addDisk', 'addDisk', 'powerOn', 'writeMark']);
    assert.deepEqual(
      own(world)?.disks?.map(({ name, storage }) => [name, storage]),
      [
        ['data-1', undefined],
        ['data-2', 'silver'],
      ],
    );
  });

  it('are not made again by a second create or by a start', async () => {
    const world = new World();
    await verbsIn(world).create(instance, blueprint);
    await verbsIn(world).create(instance, blueprint);
    await verbsIn(world).start(instance, blueprint);
    assert.equal(own(world)?.disks?.length, 2);
  });

  for (const slot of ['slot-data-1', undefined]) {
    it(`are finished where a killed create has left one ${slot ? 'attached' : 'detached'}`, async () => {
      const world = new World();
      const left = { name: 'data-1', number: 1, slot };
      const machine = plant(world, { disks: [left] }, { state: 'building' });
      world.replaced = { make: async () => machine };
      await verbsIn(world).create(instance, blueprint);
      assert.deepEqual(slots(world, machine.remoteId), {
        'data-1': 'slot-data-1',
        'data-2': 'slot-data-2',
      });
      assert.deepEqual(world.read(machine.remoteId).mark, markFor(machine.remoteId));
    });
  }

  for (const at of [2, 3]) {
    it(`leave no machine when their making breaks off at change ${at}`, async () => {
      const world = new World();
      world.break = { at, how: 'after', lasts: false };
      await failureOf(verbsIn(world).create(instance, blueprint));
      assert.equal(world.machines.size, 0);
    });
  }
});

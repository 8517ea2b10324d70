import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Disk } from '../../src/contract/disk.ts';
import { disksOf, replaceDisks } from './memory-disks.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant, plantStranger, run } from './subject.ts';

const gib = 1024 ** 3;
const attached = { name: 'data-1', number: 1, slot: 'slot-data-1', sizeBytes: 5 * gib };
const detached = { name: 'data-2', number: 2, slot: undefined, sizeBytes: 7 * gib };

function slots(world: World, remoteId: string): Readonly<Record<string, string | undefined>> {
  const disks = world.read(remoteId).disks ?? [];
  return Object.fromEntries(disks.map(({ name, slot }) => [name, slot]));
}

describe('data disks', () => {
  it('are added, listed, detached, attached and deleted by name', async () => {
    const world = new World();
    const { remoteId } = plant(world);
    const added = await run(world, 'AddDisk', { size_gb: 5 });
    assert.equal(added.message, 'Disk data-1 was added as slot-data-1');
    await run(world, 'DetachDisk', { disk: 'data-1' });
    assert.deepEqual(slots(world, remoteId), { 'data-1': undefined });
    const { rows } = await run(world, 'ListDisks');
    assert.deepEqual(rows?.[1], {
      ...{ Attached: 'no', Size: { bytes: 5 * gib }, Use: 'data', Storage: '', Disk: 'data-1' },
    });
    await run(world, 'AttachDisk', { disk: 'data-1' });
    assert.deepEqual(slots(world, remoteId), { 'data-1': 'slot-data-1' });
    await run(world, 'DetachDisk', { disk: 'slot-data-1' });
    await run(world, 'DeleteDisk', { disk: 'data-1' });
    assert.deepEqual(world.read(remoteId).disks, []);
  });

  it('that are where they should be already are left there, and the action succeeds', async () => {
    const world = new World();
    plant(world, { disks: [attached, detached] });
    const said = [
      await run(world, 'AttachDisk', { disk: 'data-1' }),
      await run(world, 'DetachDisk', { disk: 'data-2' }),
    ];
    assert.deepEqual(
      said.map(({ message }) => message),
      ['Disk data-1 is attached already', 'Disk data-2 is detached already'],
    );
    assert.deepEqual(world.calls, []);
  });

  it('get the lowest number that is free, also when they come back without theirs', async () => {
    const world = new World();
    const numberless = { name: 'old', slot: undefined };
    const { remoteId } = plant(world, { disks: [numberless, { ...attached, number: 2 }] });
    const wanted: (number | undefined)[] = [];
    replaceDisks(world, {
      attach: async (_machine, disk) => {
        wanted.push(disk.number);
        return disk;
      },
    });
    await run(world, 'AttachDisk', { disk: 'old' });
    await run(world, 'AddDisk', { size_gb: 1 });
    assert.deepEqual([wanted, world.read(remoteId).disks?.[2]?.number], [[1], 1]);
  });

  const refused = [
    ['DetachDisk of the root disk', 'DetachDisk', { disk: 'root' }, 'usage', /boots from/],
    ['DeleteDisk of the root disk', 'DeleteDisk', { disk: 'root' }, 'usage', /boots from/],
    [
      'DeleteDisk of one that is attached',
      ...['DeleteDisk', { disk: 'data-1' }, 'conflict', /detach it first/],
    ],
    [
      'ResizeDisk of one that is detached',
      ...['ResizeDisk', { disk: 'data-2', size_gb: 9 }, 'conflict', /attach it first/],
    ],
    [
      'ResizeDisk to less than it has',
      ...['ResizeDisk', { disk: 'data-1', size_gb: 4 }, 'usage', /has 5 GiB/],
    ],
    [
      'ResizeDisk beyond max_disk_gb',
      ...['ResizeDisk', { size_gb: 101 }, 'denied', /100 GiB at most/],
    ],
    ['AddDisk beyond max_disk_gb', 'AddDisk', { size_gb: 101 }, 'denied', /100 GiB at most/],
    ['AddDisk beyond max_disks', 'AddDisk', { size_gb: 1 }, 'denied', /2 of at most 2/],
    [
      'AddDisk on a storage that is not allowed',
      ...['AddDisk', { size_gb: 1, storage: 'gold' }, 'denied', /not allow/],
    ],
    [
      'AttachDisk of a disk that there is not',
      ...['AttachDisk', { disk: 'data-9' }, 'not-found', /no disk data-9 .*data-2/],
    ],
  ] as unknown as readonly (readonly [string, string, object, string, RegExp])[];
  for (const [what, action, parameters, kind, why] of refused) {
    it(`refuse ${what}, in words that a tenant may read`, async () => {
      const world = new World();
      world.settings = { maxDisks: 2, maxDiskGb: 100, allowedStorages: ['silver-*'] };
      plant(world, { disks: [attached, detached] });
      const failure = await failureOf(run(world, action, parameters));
      assert.equal(failure.kind, kind);
      assert.match(failure.message, why);
      assert.ok(failure.tenant !== undefined && !/data-|gold/.test(failure.tenant));
      assert.deepEqual(world.calls, []);
    });
  }

  it('of one instance are never attached to another, nor deleted by its actions', async () => {
    const world = new World();
    plant(world);
    const { remoteId } = plantStranger(world, { disks: [{ ...detached, name: 'theirs' }] });
    for (const action of ['AttachDisk', 'DeleteDisk', 'DetachDisk', 'ResizeDisk']) {
      const failure = await failureOf(run(world, action, { disk: 'theirs', size_gb: 90 }));
      assert.equal(failure.kind, 'not-found', action);
      assert.doesNotMatch(failure.tenant ?? '', /theirs/);
    }
    assert.deepEqual(slots(world, remoteId), { theirs: undefined });
    assert.deepEqual(world.calls, []);
  });

  it('are resized by name, and the root disk where none is named', async () => {
    const world = new World();
    plant(world, { disks: [attached] });
    const grown: string[] = [];
    replaceDisks(world, {
      resize: async (_machine, { name }, sizeGb) => void grown.push(`${name} ${sizeGb}`),
    });
    await run(world, 'ResizeDisk', { size_gb: 20 });
    await run(world, 'ResizeDisk', { size_gb: 6, disk: 'data-1' });
    assert.deepEqual(grown, ['root 20', 'data-1 6']);
  });

  it('are moved where the driver can, and only to an allowed storage', async () => {
    const world = new World();
    world.settings = { allowedStorages: ['silver'] };
    plant(world, { disks: [{ ...attached, storage: 'bronze' }] });
    const moved: string[] = [];
    replaceDisks(world, {
      move: async (_machine, disk: Disk, storage) => {
        moved.push(`${disk.name} ${storage}`);
        return disk;
      },
    });
    await run(world, 'MoveDisk', { disk: 'data-1', storage: 'silver' });
    const failure = await failureOf(run(world, 'MoveDisk', { disk: 'data-1', storage: 'gold' }));
    assert.deepEqual([moved, failure.kind], [['data-1 silver'], 'denied']);
  });

  it('are not deleted from a machine that its own system protects', async () => {
    const world = new World();
    plant(world, { protected: true, disks: [detached] });
    const failure = await failureOf(run(world, 'DeleteDisk', { disk: 'data-2' }));
    assert.match(failure.message, /is protected/);
    assert.deepEqual(world.calls, []);
  });
});

describe('two calls that change the disks of one instance at once', () => {
  const another = { name: 'data-7', number: 7, slot: 'slot-data-7', sizeBytes: gib };

  it('both have their way: the slower one looks again', async () => {
    const world = new World();
    const { remoteId } = plant(world, { disks: [attached] });
    world.before.set('addDisk', () => {
      world.set(world.read(remoteId), { disks: [attached, another] });
    });
    await run(world, 'AddDisk', { size_gb: 1 });
    assert.deepEqual(Object.keys(slots(world, remoteId)), ['data-1', 'data-7', 'data-2']);
  });

  it('cannot make more disks together than the operator allows', async () => {
    const world = new World();
    world.settings = { maxDisks: 2 };
    const { remoteId } = plant(world, { disks: [attached] });
    world.before.set('addDisk', () => {
      world.set(world.read(remoteId), { disks: [attached, another] });
    });
    const failure = await failureOf(run(world, 'AddDisk', { size_gb: 1 }));
    assert.match(failure.message, /2 of at most 2/);
    assert.deepEqual(Object.keys(slots(world, remoteId)), ['data-1', 'data-7']);
  });

  it('end with a failure when the other one never rests', async () => {
    const world = new World();
    plant(world, { disks: [detached] });
    replaceDisks(world, { remove: async () => 'lost' });
    const failure = await failureOf(run(world, 'DeleteDisk', { disk: 'data-2' }));
    assert.match(failure.message, /changed by another call again and again/);
  });

  it('leave nothing of a disk whose making broke off', async () => {
    const world = new World();
    const { remoteId } = plant(world, { disks: [attached] });
    world.break = { at: 1, how: 'after', lasts: false };
    await failureOf(run(world, 'AddDisk', { size_gb: 1 }));
    assert.deepEqual(Object.keys(slots(world, remoteId)), ['data-1']);
  });
});

describe('a delete of an instance with detached disks', () => {
  for (const [keeps, disks, isRefused] of [
    [true, [detached], true],
    [true, [attached], false],
    [false, [detached], false],
  ] as const) {
    const what = `${keeps ? 'with' : 'without'} the operator's wish to keep them`;
    it(`${what} is ${isRefused ? 'refused' : 'carried out'} for ${disks[0].name}`, async () => {
      const world = new World();
      world.settings = { deleteDetachedDisks: !keeps };
      const { remoteId } = plant(world, { disks });
      const done = verbsIn(world).delete(instance);
      if (isRefused) {
        const failure = await failureOf(done);
        assert.match(failure.message, /detached disks.*data-2/);
        assert.match(failure.advice ?? '', /delete_detached_disks/);
      } else await done;
      assert.equal(world.machines.has(remoteId), isRefused);
    });
  }

  it('loads no driver of disks where the operator does not mind', async () => {
    const world = new World();
    plant(world, { disks: [detached] });
    let loaded = 0;
    world.replaced = {
      disks: async () => {
        loaded += 1;
        return disksOf(world);
      },
    };
    await verbsIn(world).delete(instance);
    assert.equal(loaded, 0);
  });
});

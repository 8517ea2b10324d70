import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NewSnapshot, Snapshot } from '../../src/contract/snapshot.ts';
import { replaceSnapshots, World } from './memory-driver.ts';
import { failureOf, plant, run } from './subject.ts';

describe('snapshots', () => {
  const snap = { snap_name: 'before' };

  it('are listed, made and removed by name', async () => {
    const world = new World();
    plant(world);
    await run(world, 'CreateSnapshot', snap);
    assert.deepEqual(
      (await run(world, 'ListSnapshots')).rows?.map(({ Snapshot: name }) => name),
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

  it('that do not exist are answered with those that do, since the form offers no list', async () => {
    const saved = { disk: 'x', cpus: 2 };
    const many = Array.from({ length: 23 }, (_, at) => ({ name: `s${at}`, ...saved }));
    for (const [snapshots, says] of [
      [[], 'There is no snapshot before of this instance; it has none'],
      [many.slice(0, 2), 'There is no snapshot before of this instance; it has s0, s1'],
      [many, /it has s0, .*, s19 and 3 more$/],
    ] as const) {
      for (const name of ['RestoreSnapshot', 'DeleteSnapshot']) {
        const world = new World();
        plant(world, { snapshots });
        const { tenant = '' } = await failureOf(run(world, name, snap));
        if (typeof says === 'string') assert.equal(tenant, says);
        else assert.match(tenant, says);
      }
    }
  });

  it('are refused with a sentence that the tenant may read, of the kind that fits', async () => {
    const saved = { disk: 'x', cpus: 2 };
    const [before, second] = [
      { name: 'before', ...saved },
      { name: 'second', ...saved },
    ];
    for (const [action, parameters, snapshots, kind] of [
      ['CreateSnapshot', snap, [before], 'conflict'],
      ['CreateSnapshot', { snap_name: 'third' }, [before, second], 'conflict'],
      ['CreateSnapshot', { snap_name: 'CURRENT' }, [], 'usage'],
      ['CreateSnapshot', { ...snap, snap_save_memory: true }, [], 'denied'],
      ['RestoreSnapshot', snap, [second], 'not-found'],
      ['RestoreSnapshot', snap, [before, before], 'conflict'],
      ['DeleteSnapshot', snap, [before, before], 'conflict'],
    ] as const) {
      const world = new World();
      plant(world, { snapshots });
      const failure = await failureOf(run(world, action, parameters));
      assert.deepEqual([failure.kind, failure.tenant], [kind, failure.message]);
      assert.deepEqual(world.calls, []);
    }
  });

  it('are ten at most where the operator says nothing', async () => {
    const world = new World();
    world.replaced = { policy: { adoptUnmarked: false, deleteAdopted: false, graceSeconds: 1 } };
    const { remoteId } = plant(world);
    for (let count = 0; count < 10; count += 1) {
      await run(world, 'CreateSnapshot', { snap_name: `s${count}` });
    }
    const failure = await failureOf(run(world, 'CreateSnapshot', snap));
    assert.match(failure.message, /10 of at most 10/);
    assert.equal(world.read(remoteId).snapshots.length, 10);
  });

  it('are asked of the driver with name, description and memory as the tenant wants them', async () => {
    const wanted: NewSnapshot[] = [];
    for (const parameters of [
      snap,
      { ...snap, snap_description: 'why', snap_save_memory: true },
      { ...snap, snap_save_memory: false },
    ]) {
      const world = new World();
      world.settings = { snapshotMemory: true };
      replaceSnapshots(world, { take: async (_machine, each) => void wanted.push(each) });
      plant(world);
      await run(world, 'CreateSnapshot', parameters);
    }
    const name = 'before';
    assert.deepEqual(wanted, [
      { name, description: undefined, memory: false },
      { name, description: 'why', memory: true },
      { name, description: undefined, memory: false },
    ]);
  });

  for (const [state, memory, says] of [
    ['on', true, 'Snapshot before was made with the memory'],
    ['paused', true, 'Snapshot before was made with the memory'],
    ['off', true, 'Snapshot before was made'],
    ['on', false, 'Snapshot before was made'],
  ] as const) {
    it(`of a machine that is ${state}, ${memory ? 'with' : 'without'} memory, say whether the memory is in them`, async () => {
      const world = new World();
      world.settings = { snapshotMemory: true };
      plant(world, { state });
      const outcome = await run(world, 'CreateSnapshot', { ...snap, snap_save_memory: memory });
      assert.equal(outcome.message, says);
    });
  }

  it('are listed with all that the remote system tells, and nothing where it tells nothing', async () => {
    const told: Snapshot = { name: 'b', created: new Date(0), memory: true, description: 'why' };
    for (const [list, rows, message] of [
      [[], [], 'There are no snapshots'],
      [
        [{ name: 'a', memory: false }, told],
        [
          { Snapshot: 'a', Created: '', 'With memory': false, Description: '' },
          { Snapshot: 'b', Created: new Date(0), 'With memory': true, Description: 'why' },
        ],
        'Snapshots: 2',
      ],
    ] as const) {
      const world = new World();
      replaceSnapshots(world, { list: async () => list });
      plant(world);
      const outcome = { message, rows, toCopy: 'Snapshot' };
      assert.deepEqual(await run(world, 'ListSnapshots'), outcome);
    }
  });

  it('that are removed or restored are named in the answer, and the others stay', async () => {
    const world = new World();
    const [before, second] = ['before', 'second'].map((name) => ({ name, disk: name, cpus: 2 }));
    assert.ok(before && second);
    const { remoteId } = plant(world, { snapshots: [second, before] });
    const restored = await run(world, 'RestoreSnapshot', snap);
    assert.equal(restored.message, 'Snapshot before was restored');
    assert.equal(world.read(remoteId).disk, 'before');
    const removed = await run(world, 'DeleteSnapshot', snap);
    assert.equal(removed.message, 'Snapshot before was removed');
    assert.deepEqual(world.read(remoteId).snapshots, [second]);
  });

  it('that break off are taken back as the driver says', async () => {
    const world = new World();
    replaceSnapshots(world, {
      take: async (_machine, _wanted, { undo }) => {
        undo.add('remove it', async () => void world.calls.push('taken back'));
        throw new Error('broken');
      },
    });
    plant(world);
    await failureOf(run(world, 'CreateSnapshot', snap));
    assert.deepEqual(world.calls, ['taken back']);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../src/contract/action.ts';
import type { NewSnapshot, Snapshot, SnapshotDriver } from '../../src/contract/snapshot.ts';
import { Failure } from '../../src/failure.ts';
import { type Stored, snapshotsOf, verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant } from './subject.ts';

async function run(world: World, name: string, parameters = {}): Promise<Outcome> {
  return verbsIn(world).run(name, { instance, parameters, policy: {}, blueprint: {} });
}

/** Changes some of the primitives of snapshots. */
function replace(world: World, primitives: Partial<SnapshotDriver<Stored>>): void {
  world.replaced = { snapshots: async () => ({ ...snapshotsOf(world), ...primitives }) };
}

describe('snapshots', () => {
  const snap = { snap_name: 'before' };

  it('are listed, made and removed by name', async () => {
    const world = new World();
    plant(world);
    await run(world, 'CreateSnapshot', snap);
    assert.deepEqual(
      (await run(world, 'ListSnapshots')).rows?.map(({ name }) => name),
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

  for (const state of ['on', 'off'] as const) {
    it(`bring back the disk of a machine that is ${state}, which keeps its size, mark and power`, async () => {
      const world = new World();
      const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];
      const { remoteId } = plant(world, { state, snapshots });
      await run(world, 'RestoreSnapshot', snap);
      const now = world.read(remoteId);
      assert.deepEqual(
        [now.disk, now.cpus, now.mark, now.state],
        ['saved', instance.cpus, markFor(remoteId), state],
      );
    });
  }

  for (const at of [1, 2, 3]) {
    it(`that break off at change ${at} leave today's size and mark, and the machine on`, async () => {
      const world = new World();
      const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];
      const { remoteId } = plant(world, { state: 'on', snapshots });
      world.break = { at, how: 'before', lasts: false };
      await failureOf(run(world, 'RestoreSnapshot', snap));
      const { cpus, mark, state } = world.read(remoteId);
      assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'on']);
    });
  }

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
      replace(world, { take: async (_machine, each) => void wanted.push(each) });
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
    const told: Snapshot = { name: 'b', created: 'today', memory: true, description: 'why' };
    for (const [list, rows, message] of [
      [[], [], 'There are no snapshots'],
      [
        [{ name: 'a', memory: false }, told],
        [{ name: 'a', created: '', memory: false, description: '' }, told],
        'Snapshots: 2',
      ],
    ] as const) {
      const world = new World();
      replace(world, { list: async () => list });
      plant(world);
      assert.deepEqual(await run(world, 'ListSnapshots'), { message, rows });
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
    replace(world, {
      take: async (_machine, _wanted, { undo }) => {
        undo.add('remove it', async () => void world.calls.push('taken back'));
        throw new Error('broken');
      },
    });
    plant(world);
    await failureOf(run(world, 'CreateSnapshot', snap));
    assert.deepEqual(world.calls, ['taken back']);
  });

  for (const state of ['on', 'off'] as const) {
    it(`that the driver cannot restore while the machine is ${state} are refused in its words`, async () => {
      const world = new World();
      replace(world, { unrestorable: async (_m, { name }, { ran }) => `${name} no, ran: ${ran}` });
      plant(world, { state, snapshots: [{ name: 'before', disk: 'saved', cpus: 2 }] });
      const { kind, message, tenant } = await failureOf(run(world, 'RestoreSnapshot', snap));
      const words = `before no, ran: ${state === 'on'}`;
      assert.deepEqual([kind, message, tenant], ['conflict', words, words]);
      assert.deepEqual(world.calls, []);
    });
  }

  it('are restored when the driver says that nothing stands against it', async () => {
    const world = new World();
    replace(world, { unrestorable: async () => undefined });
    plant(world, { snapshots: [{ name: 'before', disk: 'saved', cpus: 2 }] });
    await run(world, 'RestoreSnapshot', snap);
    assert.deepEqual(world.calls, ['restore', 'keepToday']);
  });

  it('that break off leave a machine that was off as it was', async () => {
    const world = new World();
    const { remoteId } = plant(world, { snapshots: [{ name: 'before', disk: 'saved', cpus: 16 }] });
    world.break = { at: 1, how: 'after', lasts: false };
    await failureOf(run(world, 'RestoreSnapshot', snap));
    const { cpus, mark, state } = world.read(remoteId);
    assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'off']);
    assert.deepEqual(world.calls, ['restore', 'keepToday']);
  });
});

describe('a restore that breaks off', () => {
  const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];

  for (const primitive of ['keepToday', 'switchOn'] as const) {
    it(`says so when ${primitive} fails again while the change is taken back`, async () => {
      const world = new World();
      const fail = async () => {
        throw new Failure('upstream', `${primitive} broke`);
      };
      replace(world, { [primitive]: fail });
      plant(world, { state: 'on', snapshots });
      const failure = await failureOf(run(world, 'RestoreSnapshot', { snap_name: 'before' }));
      assert.match(failure.message, /Could not bring machine 1 back to what it was: \w+ broke/);
    });
  }

  it('has more time for taking changes back than for the work', async () => {
    const world = new World();
    const base = snapshotsOf(world);
    const left: number[] = [];
    replace(world, {
      restore: async (_machine, _snapshot, { deadline }) => {
        left.push(deadline.remainingMs());
        throw new Error('broken');
      },
      keepToday: async (machine, step) => {
        left.push(step.deadline.remainingMs());
        await base.keepToday(machine, step);
      },
      switchOn: async (machine, step) => {
        left.push(step.deadline.remainingMs());
        await base.switchOn(machine, step);
      },
    });
    plant(world, { state: 'on', snapshots });
    await failureOf(run(world, 'RestoreSnapshot', { snap_name: 'before' }));
    const [work = 0, keeping = 0, switching = 0] = left;
    assert.ok(keeping > work && switching > work, left.join());
  });
});

describe('a snapshot on a remote system where a failed restore may leave mixed disks', () => {
  const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];

  for (const state of ['on', 'off'] as const) {
    it(`is restored, and a machine that was ${state} is ${state} again`, async () => {
      const world = new World();
      replace(world, { bootsAfterFailure: false });
      const { remoteId } = plant(world, { state, snapshots });
      await run(world, 'RestoreSnapshot', { snap_name: 'before' });
      assert.equal(world.read(remoteId).state, state);
      const last = state === 'on' ? ['switchOn'] : [];
      assert.deepEqual(world.calls, ['restore', 'keepToday', ...last]);
    });
  }

  for (const at of [1, 2]) {
    it(`leaves the machine stopped when change ${at} of a restore fails, and says so to the tenant`, async () => {
      const world = new World();
      replace(world, { bootsAfterFailure: false });
      const { remoteId } = plant(world, { state: 'on', snapshots });
      world.break = { at, how: 'after', lasts: false };
      const failure = await failureOf(run(world, 'RestoreSnapshot', { snap_name: 'before' }));
      const sentence = 'Snapshot before was not restored, and the instance is stopped now';
      assert.equal(failure.tenant, sentence);
      assert.match(failure.message, new RegExp(`^${sentence}: The connection broke at`));
      assert.equal(failure.advice, 'Restore before again, or start the instance as it is.');
      const { cpus, mark, state } = world.read(remoteId);
      assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'off']);
    });
  }

  it('keeps the advice of what failed beside its own', async () => {
    const world = new World();
    const failure = new Failure('upstream', 'No space', { advice: 'Free some' });
    replace(world, {
      bootsAfterFailure: false,
      restore: async () => {
        throw failure;
      },
    });
    plant(world, { snapshots });
    const thrown = await failureOf(run(world, 'RestoreSnapshot', { snap_name: 'before' }));
    assert.match(thrown.advice ?? '', /start the instance as it is\. Free some$/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { replaceSnapshots, snapshotsOf, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, run } from './subject.ts';

const snap = { snap_name: 'before' };

describe('snapshots that are restored', () => {
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
    it(`leave, broken off at change ${at}, today's size and mark, and the machine on`, async () => {
      const world = new World();
      const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];
      const { remoteId } = plant(world, { state: 'on', snapshots });
      world.break = { at, how: 'before', lasts: false };
      await failureOf(run(world, 'RestoreSnapshot', snap));
      const { cpus, mark, state } = world.read(remoteId);
      assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'on']);
    });
  }

  for (const state of ['on', 'off'] as const) {
    it(`are refused in the driver's words while the machine is ${state}`, async () => {
      const world = new World();
      replaceSnapshots(world, {
        unrestorable: async (_m, { name }, { ran }) => `${name} no, ran: ${ran}`,
      });
      plant(world, { state, snapshots: [{ name: 'before', disk: 'saved', cpus: 2 }] });
      const { kind, message, tenant } = await failureOf(run(world, 'RestoreSnapshot', snap));
      const words = `before no, ran: ${state === 'on'}`;
      assert.deepEqual([kind, message, tenant], ['conflict', words, words]);
      assert.deepEqual(world.calls, []);
    });
  }

  it('are restored when the driver says that nothing stands against it', async () => {
    const world = new World();
    replaceSnapshots(world, { unrestorable: async () => undefined });
    plant(world, { snapshots: [{ name: 'before', disk: 'saved', cpus: 2 }] });
    await run(world, 'RestoreSnapshot', snap);
    assert.deepEqual(world.calls, ['restore', 'keepToday']);
  });

  it('leave, broken off, a machine that was off as it was', async () => {
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
      replaceSnapshots(world, { [primitive]: fail });
      plant(world, { state: 'on', snapshots });
      const failure = await failureOf(run(world, 'RestoreSnapshot', snap));
      assert.match(failure.message, /Could not bring machine 1 back to what it was: \w+ broke/);
    });
  }

  it('has more time for taking changes back than for the work', async () => {
    const world = new World();
    const base = snapshotsOf(world);
    const left: number[] = [];
    replaceSnapshots(world, {
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
    await failureOf(run(world, 'RestoreSnapshot', snap));
    const [work = 0, keeping = 0, switching = 0] = left;
    assert.ok(keeping > work && switching > work, left.join());
  });
});

describe('a snapshot on a remote system where a failed restore may leave mixed disks', () => {
  const snapshots = [{ name: 'before', disk: 'saved', cpus: 16 }];

  for (const state of ['on', 'off'] as const) {
    it(`is restored, and a machine that was ${state} is ${state} again`, async () => {
      const world = new World();
      replaceSnapshots(world, { bootsAfterFailure: false });
      const { remoteId } = plant(world, { state, snapshots });
      await run(world, 'RestoreSnapshot', snap);
      assert.equal(world.read(remoteId).state, state);
      const last = state === 'on' ? ['switchOn'] : [];
      assert.deepEqual(world.calls, ['restore', 'keepToday', ...last]);
    });
  }

  for (const at of [1, 2]) {
    it(`leaves the machine stopped when change ${at} of a restore fails, and says so to the tenant`, async () => {
      const world = new World();
      replaceSnapshots(world, { bootsAfterFailure: false });
      const { remoteId } = plant(world, { state: 'on', snapshots });
      world.break = { at, how: 'after', lasts: false };
      const failure = await failureOf(run(world, 'RestoreSnapshot', snap));
      const sentence = 'Snapshot before was not restored, and the instance is stopped now';
      assert.equal(failure.tenant, sentence);
      assert.match(failure.message, new RegExp(`^${sentence}: The connection broke at`));
      assert.equal(failure.advice, 'Restore before again, or start the instance as it is.');
      const { cpus, mark, state } = world.read(remoteId);
      assert.deepEqual([cpus, mark, state], [instance.cpus, markFor(remoteId), 'off']);
    });
  }

  it('has been restored when the machine then cannot be switched on, and the failure says only that', async () => {
    const world = new World();
    replaceSnapshots(world, { bootsAfterFailure: false });
    const { remoteId } = plant(world, { state: 'on', snapshots });
    world.break = { at: 3, how: 'before', lasts: false };
    const failure = await failureOf(run(world, 'RestoreSnapshot', snap));
    assert.equal(failure.message, 'The connection broke at switchOn');
    assert.equal(world.read(remoteId).disk, 'saved');
  });

  it('keeps the advice of what failed beside its own', async () => {
    const world = new World();
    const failure = new Failure('upstream', 'No space', { advice: 'Free some' });
    replaceSnapshots(world, {
      bootsAfterFailure: false,
      restore: async () => {
        throw failure;
      },
    });
    plant(world, { snapshots });
    const thrown = await failureOf(run(world, 'RestoreSnapshot', snap));
    assert.match(thrown.advice ?? '', /start the instance as it is\. Free some$/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileAt, gib, type Machine } from '../../../fakes/winrm/state.ts';
import type { Disturbance } from '../../../fakes/winrm/wsman.ts';
import { admin } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { type Scene, scene } from './scene.ts';

/** An action, how the machine has to be before, and the conditions that hold when it reports success. */
interface Case {
  readonly name: string;
  before?(played: Scene, vm: Machine): Promise<unknown> | unknown;
  run(played: Scene): Promise<Done>;
  after(vm: Machine, played: Scene): void;
  /** Steps after whose loss it ends, with everything as it was. */
  readonly ends?: readonly string[];
}

const as = { caller: admin, host: { grace_seconds: '1' } };
const snapshot = { snap_name: 'one' };
const iso_path = 'D:\\ISO\\debian-12.iso';
const disk = ({ state }: Scene, { drives }: Machine) => fileAt(state, drives[0]?.path ?? '');

const cases: readonly Case[] = [
  {
    name: 'stop',
    run: ({ cloud }) => cloud.call('stop', { ...as, state: 'Stopping' }),
    after: (vm) => assert.equal(vm.state, 'Off'),
  },
  {
    name: 'start',
    before({ cloud }, vm) {
      vm.state = 'Off';
      vm.adapters.length = 1;
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2222 })) });
    },
    run: ({ cloud }) => cloud.call('start', as),
    after(vm) {
      assert.equal(vm.state, 'Running');
      assert.deepEqual(
        vm.adapters.map(({ vlan }) => vlan),
        [2222, 2222],
      );
    },
  },
  {
    name: 'reboot',
    run: ({ cloud }) => cloud.call('reboot', as),
    after: (vm) => assert.deepEqual([vm.state, vm.boots >= 2], ['Running', true]),
  },
  {
    name: 'CreateSnapshot',
    run: ({ cloud }) => cloud.custom('CreateSnapshot', snapshot, as),
    after: (vm) =>
      assert.deepEqual(
        vm.checkpoints.map(({ name }) => name),
        ['one'],
      ),
    ends: ['checkpoint before'],
  },
  {
    name: 'RestoreSnapshot',
    async before(played, vm) {
      await played.cloud.okCustom('CreateSnapshot', snapshot);
      Object.assign(disk(played, vm) ?? {}, { content: 'later' });
    },
    run: ({ cloud }) => cloud.custom('RestoreSnapshot', snapshot, as),
    after(vm, played) {
      assert.equal(vm.state, 'Running');
      assert.notEqual(disk(played, vm)?.content, 'later');
    },
  },
  {
    name: 'DeleteSnapshot',
    before: ({ cloud }) => cloud.okCustom('CreateSnapshot', snapshot),
    run: ({ cloud }) => cloud.custom('DeleteSnapshot', snapshot, as),
    after: (vm) => assert.deepEqual(vm.checkpoints, []),
  },
  {
    name: 'Reinstall',
    run: ({ cloud }) => cloud.custom('Reinstall', { confirm: cloud.vm.name }, as),
    after(vm, { state }) {
      assert.equal(vm.state, 'Running');
      const files = [...state.files.keys()].filter((path) => path.includes(vm.id));
      assert.deepEqual(files, [vm.drives[0]?.path.toLowerCase()]);
    },
    ends: ['copy before', 'copy after'],
  },
  {
    name: 'Suspend',
    run: ({ cloud }) => cloud.custom('Suspend', {}, as),
    after: (vm) => assert.equal(vm.state, 'Paused'),
  },
  {
    name: 'Resume',
    before: (_, vm) => void Object.assign(vm, { state: 'Paused' }),
    run: ({ cloud }) => cloud.custom('Resume', {}, as),
    after: (vm) => assert.equal(vm.state, 'Running'),
  },
  {
    name: 'Reset',
    run: ({ cloud }) => cloud.custom('Reset', {}, as),
    after: (vm) => assert.deepEqual([vm.state, vm.boots >= 2], ['Running', true]),
  },
  {
    name: 'ResizeDisk',
    run: ({ cloud }) => cloud.custom('ResizeDisk', { size_gb: 50 }, as),
    after: (vm, played) => assert.equal(disk(played, vm)?.size, 50 * gib),
  },
  {
    name: 'AttachIso',
    run: ({ cloud }) => cloud.custom('AttachIso', { iso_path }, as),
    after: (vm) => assert.deepEqual(vm.media, [iso_path]),
  },
  {
    name: 'delete',
    before: ({ cloud }) => cloud.okCustom('CreateSnapshot', snapshot),
    run: ({ cloud }) => cloud.call('delete', as),
    after(_, { state }) {
      assert.equal(state.machines.size, 0);
      assert.deepEqual(
        [...state.folders].filter((folder) => /i-2-42/.test(folder)),
        [],
      );
    },
  },
];

/** Loses one message: the one for the step that comes so many after the first. */
function losing(at: number, how: 'before' | 'after'): Disturbance {
  let count = 0;
  return (step) => {
    if (step === '') return undefined;
    count += 1;
    return count === at ? how : undefined;
  };
}

const looking = ['machines', 'machine', 'state', 'users', 'chain', 'resources'];

/** Each step in each way that makes a difference: what only looks was done or not all the same. */
function losses(steps: readonly string[]): readonly (readonly [number, 'before' | 'after'])[] {
  return steps.flatMap((step, at) => {
    if (at === 0 || step === steps[at - 1]) return [];
    const after = [at + 1, 'after'] as const;
    return looking.includes(step) ? [after] : [[at + 1, 'before'] as const, after];
  });
}

/** Answers how to bring the host back to what it is now. */
function remember({ state }: Scene): () => void {
  const { machines, files, folders } = structuredClone({
    machines: state.machines,
    files: state.files,
    folders: state.folders,
  });
  return () => {
    for (const part of [state.machines, state.files, state.folders]) part.clear();
    for (const [id, machine] of machines) state.machines.set(id, structuredClone(machine));
    for (const [path, file] of files) state.files.set(path, structuredClone(file));
    for (const folder of folders) state.folders.add(folder);
    state.ran.length = 0;
  };
}

describe('one answer that is lost', () => {
  for (const each of cases) {
    test(
      `the loss of any answer but the first does not end ${each.name}`,
      scene(async (played) => {
        const { state, backend, cloud } = played;
        await cloud.ok('create');
        await each.before?.(played, await played.machine());
        const back = remember(played);
        state.ran.length = 0;
        assert.equal((await each.run(played)).exitCode, 0);
        assert.equal(state.ran[0], 'lock');
        const steps = [...state.ran];
        for (const [at, how] of losses(steps)) {
          back();
          const vm = await played.machine();
          const was = structuredClone(vm);
          backend.fake.disturb(losing(at, how));
          const { exitCode, text } = await each.run(played);
          backend.fake.disturb(undefined);
          assert.equal(backend.fake.openShells(), 0);
          const what = `${steps[at - 1]} ${how}`;
          if (each.ends?.includes(what)) {
            assert.equal(exitCode, 1, what);
            assert.deepEqual(vm, was, what);
          } else {
            assert.equal(exitCode, 0, `${what}: ${text}`);
            each.after(vm, played);
          }
        }
      }),
    );
  }
});

test(
  'an action that lost an answer goes on only when it has the instance for itself again',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    const other = {};
    backend.fake.disturb((step) => {
      if (step !== 'power') return undefined;
      state.locks.set(cloud.vm.uuid, other);
      return 'before';
    });
    const { exitCode, text } = await cloud.call('stop', { ...as, timeoutSeconds: 6 });
    assert.equal(exitCode, 1);
    assert.match(text, /another action/);
    assert.equal(vm.state, 'Running');
    assert.equal(state.ran.at(-1), 'lock');
    backend.fake.disturb(undefined);
    state.locks.clear();
    await cloud.ok('stop');
  }),
);

test(
  'an action whose answers all get lost from one moment on starts one more process and no third',
  scene(async ({ cloud, backend: { fake }, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    const before = fake.messages.length;
    fake.disturb((step) => {
      if (step === 'machines') fake.next({ action: 'Receive', code: 2150858843, times: 1e6 });
      return undefined;
    });
    const { exitCode, text } = await cloud.call('stop', { ...as, timeoutSeconds: 12 });
    const started = fake.messages.slice(before).filter((action) => action === 'Command');
    assert.deepEqual([exitCode, started.length, vm.state], [1, 2, 'Running']);
    assert.match(text, /lost our shell while listing the virtual machines/);
  }),
);

test(
  'a guest that may have been asked to shut down gets the whole shutdown timeout',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    state.ignoreShutdown = true;
    state.ran.length = 0;
    backend.fake.disturb((step) => {
      if (step !== 'power') return undefined;
      backend.fake.disturb(undefined);
      setTimeout(() => Object.assign(vm, { state: 'Off' }), 1_000);
      return 'after';
    });
    await cloud.ok('stop', { host: { grace_seconds: '60' }, timeoutSeconds: 120 });
    assert.equal(vm.state, 'Off');
    assert.equal(state.ran.filter((step) => step === 'power').length, 1, 'its power was not cut');
  }),
);

test(
  'a machine that is removed in Hyper-V meanwhile is not waited for',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    vm.state = 'Off';
    backend.fake.disturb((step) => {
      if (step === 'state' && state.machines.size > 0) void backend.removeBehind(vm.id);
      return undefined;
    });
    const { exitCode, text } = await cloud.call('start', as);
    assert.equal(exitCode, 1);
    assert.match(text, /vanished after \\?"start/);
  }),
);

test(
  'a create whose built mark was written without an answer reads it again, and succeeds',
  scene(async ({ cloud, backend, machine }) => {
    let looks = 0;
    backend.fake.disturb((step) => {
      if (step === 'notes') return 'after';
      if (step !== 'machine') return undefined;
      looks += 1;
      // The driver looks at the machine in vain, twice, after its write got no answer.
      return looks === 2 || looks === 3 ? 'before' : undefined;
    });
    await cloud.ok('create', as);
    const { state, notes } = await machine();
    assert.equal(state, 'Running');
    assert.match(notes, /"state":"built"/);
    backend.fake.disturb(undefined);
    await cloud.ok('create');
  }),
);

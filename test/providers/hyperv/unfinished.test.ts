import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gib, type Machine, newMachine, put } from '../../../fakes/winrm/state.ts';
import type { RemoteMachine } from '../../../src/contract/machine.ts';
import { silent } from '../../../src/kit/log.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { installation } from '../../conformance/cloud.ts';
import { deadlineIn } from '../../support/http-client.ts';
import { admin } from '../../support/payloads.ts';
import { hostDetails } from './backend.ts';
import { type Scene, scene, settingsOf, word } from './scene.ts';

/** The machine that a PowerShell leaves which ended between making and marking it. */
function unmarked({ cloud, state }: Scene, more: Partial<Machine> = {}): Machine {
  const { name, uuid } = cloud.vm;
  const machine = newMachine({ name, path: `D:\\Machines\\${name}-${uuid}\\${name}`, ...more });
  state.machines.set(machine.id, machine);
  return machine;
}

async function audited({ backend }: Scene): Promise<readonly RemoteMachine[]> {
  const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
    ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
  });
  return session.machines();
}

describe('a PowerShell that ends between making a machine and marking it', () => {
  test(
    'a PowerShell that ends before the mark makes the create fail, and a new one removes the machine',
    scene(async ({ cloud, state }) => {
      state.dieUnmarked = true;
      const { exitCode } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.equal(state.machines.size, 0);
      state.dieUnmarked = false;
      await cloud.ok('create');
      assert.equal(state.machines.size, 1);
    }),
  );

  test(
    'the next create removes the unmarked machine of a killed create',
    scene(async (played) => {
      const { cloud, state, backend, machine } = played;
      state.dieUnmarked = true;
      backend.fake.disturb((step) => {
        if (step === 'make') setImmediate(() => backend.fake.outage(true));
        return undefined;
      });
      assert.equal((await cloud.call('create', { timeoutSeconds: 2 })).exitCode, 1);
      backend.fake.disturb(undefined);
      backend.fake.outage(false);
      backend.fake.clearShells();
      state.dieUnmarked = false;
      const [left] = state.machines.values();
      assert.ok(left !== undefined && left.notes === '');
      await cloud.ok('create');
      assert.equal(state.machines.size, 1);
      assert.notEqual((await machine()).id, left.id);
    }),
  );

  for (const action of ['stop', 'delete']) {
    test(
      `${action} removes the unmarked machine of a killed create together with its folder`,
      scene(async (played) => {
        const { cloud, state } = played;
        const { name, uuid } = cloud.vm;
        unmarked(played);
        state.folders.add(`d:\\machines\\${name}-${uuid}`.toLowerCase());
        assert.equal(word(await cloud.ok('status')), 'PowerUnknown');
        await cloud.ok(action, { state: 'Starting', deploying: true });
        assert.equal(state.machines.size, 0);
        assert.ok(![...state.folders].some((folder) => folder.includes(uuid)));
      }),
    );
  }

  test(
    'start, reboot and adopt_unmarked do not take the unmarked machine of a killed create for the instance’s',
    scene(async (played) => {
      const { cloud } = played;
      const { id } = unmarked(played);
      cloud.change({ details: { ...cloud.vm.details, hyperv_id: id } });
      for (const action of ['start', 'reboot']) {
        const host = { adopt_unmarked: 'true' };
        const { exitCode, text } = await cloud.call(action, { host, caller: admin });
        assert.equal(exitCode, 1);
        assert.match(text, /was never finished/);
      }
    }),
  );

  test(
    'an audit shows the unmarked machine of a killed create with its instance',
    scene(async (played) => {
      const { id } = unmarked(played);
      const [found] = await audited(played);
      assert.equal(found?.remoteId, id);
      assert.equal(found.leftover, true);
      assert.match(found.remarks?.join() ?? '', /made for i-2-42-VM and never marked/);
    }),
  );
});

describe('an unmarked machine', () => {
  const someDisk = { path: 'D:\\Templates\\own.vhdx', controller: 'SCSI', location: 0 } as const;
  const checkpoint = { id: 'c', name: 'n', created: '2026-01-01T00:00:00Z', memory: false };
  const bare = { contents: [], drives: [], config: newMachine({ name: 'x' }) };
  const cases: readonly (readonly [string, (played: Scene) => Partial<Machine>])[] = [
    ['has a disk', () => ({ drives: [someDisk] })],
    ['runs', () => ({ state: 'Running' })],
    ['is saved', () => ({ state: 'Saved' })],
    ['has a checkpoint', () => ({ checkpoints: [{ ...checkpoint, ...bare, type: 'Standard' }] })],
    ['is in another folder', () => ({ path: 'D:\\Machines\\i-2-42-VM' })],
    [
      'is in such a folder elsewhere',
      ({ cloud: { vm } }) => ({ path: `E:\\Machines\\${vm.name}-${vm.uuid}\\${vm.name}` }),
    ],
    [
      'lies deeper in the folder',
      ({ cloud: { vm } }) => ({ path: `D:\\Machines\\${vm.name}-${vm.uuid}\\a\\${vm.name}` }),
    ],
    ['carries a damaged mark', () => ({ notes: '[outrigger:{' })],
  ];
  for (const [what, more] of cases) {
    test(
      `an unmarked machine that ${what} is never removed`,
      scene(async (played) => {
        const { cloud, state } = played;
        put(state, someDisk.path, { content: 'precious', size: gib, fileSize: gib, parent: '' });
        const machine = unmarked(played, more(played));
        const before = structuredClone(machine);
        for (const action of ['stop', 'create', 'delete']) {
          assert.equal((await cloud.call(action)).exitCode, 1, action);
        }
        assert.deepEqual(machine, before);
        assert.deepEqual(
          (await audited(played)).map(({ leftover }) => leftover),
          [undefined],
        );
      }),
    );
  }

  test(
    'one of two unmarked machines is left to the operator',
    scene(async (played) => {
      const { cloud, state } = played;
      unmarked(played);
      unmarked(played);
      for (const action of ['stop', 'create', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      assert.equal(state.machines.size, 2);
    }),
  );

  test(
    'that was made for an instance of the same name is that one\u2019s',
    scene(async (played) => {
      const { cloud, state } = played;
      const { name, uuid } = cloud.vm;
      const other = uuid.replace(/.$/, 'f');
      unmarked(played, { path: `D:\\Machines\\${name}-${other}\\${name}` });
      for (const action of ['stop', 'create', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      assert.equal(state.machines.size, 1);
      assert.equal((await audited(played))[0]?.leftover, true);
    }),
  );

  test(
    "a machine with another instance's UUID behind its name is not adopted, even by matching details",
    scene(async ({ cloud, backend, state }) => {
      const { name, uuid, details } = cloud.vm;
      const id = await backend.plant({ name: `${name}-${uuid.replace(/.$/, 'f')}`, power: 'on' });
      const before = structuredClone(state.machines.get(id));
      cloud.change({ details: { ...details, hyperv_id: id } });
      for (const action of ['start', 'stop', 'reboot', 'delete', 'create']) {
        const host = { adopt_unmarked: 'true' };
        const { exitCode, text } = await cloud.call(action, { host, caller: admin });
        assert.equal(exitCode, 1, action);
        assert.match(text, /carries no mark/);
      }
      assert.deepEqual(state.machines.get(id), before);
    }),
  );

  test(
    'of the built-in extension, whose own folder is named like that, is not touched',
    scene(async (played) => {
      const { cloud, state } = played;
      const { name, uuid } = cloud.vm;
      const full = `${name}-${uuid}`;
      unmarked(played, { name: full, path: `D:\\Machines\\${full}` });
      for (const action of ['stop', 'create', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
      assert.equal(state.machines.size, 1);
    }),
  );
});

test(
  'an adopted machine that a delete has released stays released, however often the delete is repeated',
  scene(async ({ cloud, backend, state }) => {
    const { uuid, name } = cloud.vm;
    const id = await backend.plant({ name, power: 'on' });
    const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
      ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
    });
    await session.adopt(id, { uuid, name, deploying: false, stored: {} });
    for (let turn = 0; turn < 2; turn += 1) {
      await cloud.ok('delete');
      const machine = state.machines.get(id);
      assert.equal(machine?.state, 'Off');
      assert.equal(machine.notes, `the owner\u2019s own words\noutrigger-left:${uuid}`);
    }
    const again = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
      ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
    });
    await again.adopt(id, { uuid, name, deploying: false, stored: {} });
    assert.doesNotMatch(state.machines.get(id)?.notes ?? '', /outrigger-left/);
    await cloud.ok('start');
    Object.assign(state.machines.get(id) ?? {}, { state: 'Saved' });
    await cloud.ok('delete');
    assert.equal(state.machines.get(id)?.state, 'Saved', "its memory is its owner's");
    assert.match(state.machines.get(id)?.notes ?? '', /outrigger-left/);
  }),
);

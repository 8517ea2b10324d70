import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Drive,
  fileAt,
  gib,
  type HostState,
  type Machine,
  newMachine,
  put,
} from '../../../fakes/winrm/state.ts';
import { silent } from '../../../src/kit/log.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { installation } from '../../conformance/cloud.ts';
import { deadlineIn } from '../../support/http-client.ts';
import { admin } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { hostDetails, orphansOf } from './backend.ts';
import { type Scene, scene, settingsOf } from './scene.ts';

/* A disk that the account is not let read is neither free nor gone. */

/** Another machine of the host, with this drive. */
function neighbour(state: HostState, drive: Partial<Drive> & { readonly path: string }): Machine {
  const machine = newMachine({ name: 'dc01', state: 'Running' });
  machine.drives.push({ controller: 'SCSI', location: 0, ...drive });
  state.machines.set(machine.id, machine);
  return machine;
}

/** The disk of another machine that the account may not read. */
function hidden(state: HostState): void {
  const path = 'E:\\Other\\dc01.vhdx';
  put(state, path, { content: 'c', size: gib, fileSize: 1, parent: '', denied: true });
  neighbour(state, { path });
}

async function isRefused({ state }: Scene, done: Promise<Done>, vm: Machine): Promise<void> {
  const before = structuredClone([vm, [...state.files]]);
  const { exitCode, text } = await done;
  assert.equal(exitCode, 1);
  assert.match(text, /Nothing proves that no other disk builds on those of i-2-42-VM/);
  assert.match(text, /E:\\+Other\\+dc01\.vhdx of dc01 \(PermissionDenied\)/);
  assert.deepEqual([vm, [...state.files]], before);
}

describe('a disk of another machine that cannot be read', () => {
  test(
    'keeps a delete from removing anything, and the instance keeps running',
    scene(async (played) => {
      const { cloud, state, machine } = played;
      await cloud.ok('create');
      hidden(state);
      await isRefused(played, cloud.call('delete', { caller: admin }), await machine());
      assert.equal(state.machines.size, 2);
    }),
  );

  test(
    'keeps a snapshot from being merged and a disk from being made anew',
    scene(async (played) => {
      const { cloud, state, machine } = played;
      await cloud.ok('create');
      const snapshot = { snap_name: 'one' };
      await cloud.okCustom('CreateSnapshot', snapshot);
      hidden(state);
      const vm = await machine();
      await isRefused(played, cloud.custom('DeleteSnapshot', snapshot, { caller: admin }), vm);
      const confirm = { confirm: vm.name };
      await isRefused(played, cloud.custom('Reinstall', confirm, { caller: admin }), vm);
    }),
  );

  test(
    'is not named to a tenant',
    scene(async ({ cloud, state }) => {
      await cloud.ok('create');
      hidden(state);
      const { exitCode, text } = await cloud.call('delete');
      assert.equal(exitCode, 1);
      assert.match(text, /Nothing proves that the disk of this instance is free/);
      assert.doesNotMatch(text, /dc01/);
    }),
  );

  test(
    'does not hinder the removal of a machine that has no disk yet',
    scene(async ({ cloud, state }) => {
      hidden(state);
      state.dieUnmarked = true;
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.equal(state.machines.size, 1);
    }),
  );

  test(
    'makes an audit say that it does not know which disks are left over',
    scene(async ({ cloud, backend, state, machine }) => {
      await cloud.ok('create');
      const { name, id } = await machine();
      const half = { content: 'half', size: gib, fileSize: gib, parent: '' };
      put(state, `D:\\Disks\\${name}-${id}-2.vhdx`, half);
      hidden(state);
      const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
        ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
      });
      const all = await session.machines();
      const remarks = all.find(({ remoteId }) => remoteId === id)?.remarks?.join() ?? '';
      assert.match(remarks, /connected to nothing is unknown: .*-2\.vhdx may be used .*dc01\.vhdx/);
      assert.doesNotMatch(remarks, /delete it once you are sure/);
      state.files.delete(`d:\\disks\\${name}-${id}-2.vhdx`.toLowerCase());
    }),
  );

  test(
    'is one on a drive that the host does not show right now',
    scene(async ({ cloud, state }) => {
      await cloud.ok('create');
      state.drivesAway.push('F:');
      neighbour(state, { path: 'F:\\dc01.vhdx' });
      const { exitCode, text } = await cloud.call('delete', { caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /F:\\+dc01\.vhdx of dc01 \(ObjectNotFound\)/);
      assert.equal(state.machines.size, 2);
    }),
  );
});

test(
  'a whole physical disk, and a disk that is proved gone, hinder no delete',
  scene(async ({ cloud, state }) => {
    await cloud.ok('create');
    neighbour(state, { path: 'Disk 3 465,76 GB Bus 0 LUN 0 Target 3', diskNumber: 3 });
    neighbour(state, { path: 'E:\\gone.vhdx' });
    await cloud.ok('delete');
    assert.equal(state.machines.size, 2);
  }),
);

test(
  'a chain of more disks than any other is followed to its end',
  scene(async ({ cloud, state, machine }) => {
    await cloud.ok('create');
    let parent = (await machine()).drives[0]?.path ?? '';
    for (let depth = 0; depth < 60; depth += 1) {
      const path = `E:\\chain-${depth}.vhdx`;
      put(state, path, { content: 'c', size: gib, fileSize: 1, parent });
      parent = path;
    }
    neighbour(state, { path: parent });
    const { exitCode, text } = await cloud.call('delete', { caller: admin });
    assert.equal(exitCode, 1);
    assert.match(text, /used by other machines: .* of dc01/);
  }),
);

test(
  'a disk that only the checkpoint of another machine builds on is in use',
  scene(async ({ cloud, state, machine }) => {
    await cloud.ok('create');
    const parent = (await machine()).drives[0]?.path ?? '';
    put(state, 'E:\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
    put(state, 'E:\\now.vhdx', { content: 'n', size: gib, fileSize: 1, parent: '' });
    const other = neighbour(state, { path: 'E:\\now.vhdx' });
    const drives = [{ path: 'E:\\child.vhdx', controller: 'SCSI', location: 0 } as const];
    const about = { id: 'c', name: 'n', created: '2026-01-01T00:00:00Z', memory: false };
    other.checkpoints.push({ ...about, type: 'Standard', drives, contents: [''], config: other });
    const { exitCode, text } = await cloud.call('delete', { caller: admin });
    assert.equal(exitCode, 1);
    assert.match(text, /used by other machines/);
  }),
);

test(
  'a delete does not take a disk for gone whose drive is away, and ends when it is back',
  scene(async ({ cloud, state, machine }) => {
    await cloud.ok('create');
    await cloud.ok('stop');
    const path = (await machine()).drives[0]?.path ?? '';
    const file = fileAt(state, path);
    assert.ok(file !== undefined);
    state.files.delete(path.toLowerCase());
    state.drivesAway.push('D:');
    assert.equal((await cloud.call('delete')).exitCode, 1);
    assert.equal(state.machines.size, 1, 'its mark is still there');
    state.drivesAway.splice(0);
    put(state, path, file);
    await cloud.ok('delete');
    assert.deepEqual(orphansOf(state), []);
  }),
);

test(
  'an audit says that leftover disks are unknown where their folder cannot be read',
  scene(async ({ cloud, backend, state }) => {
    await cloud.ok('create');
    state.folders.delete('d:\\disks');
    const session = verbsOf(hyperv, settingsOf(hostDetails(backend.fake)), {
      ...{ deadline: deadlineIn(10_000), log: silent, installation, stateDirectory: () => '' },
    });
    const [own] = await session.machines();
    assert.match(own?.remarks?.join() ?? '', /unknown: the folder D:\\Disks cannot be read/);
  }),
);

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  fileAt,
  gib,
  type HostState,
  type Machine,
  newMachine,
  put,
} from '../../../fakes/winrm/state.ts';
import { admin } from '../../support/payloads.ts';
import { orphansOf } from './backend.ts';
import { type Scene, scene } from './scene.ts';

const filesOf = (state: HostState, vm: Machine): number =>
  [...state.files.keys()].filter((path) => path.includes(vm.id)).length;

/** Writes into the running machine's disk. */
function write(state: HostState, vm: Machine, content: string): void {
  Object.assign(fileAt(state, vm.drives[0]?.path ?? '') ?? {}, { content });
}

async function untilMerged(vm: Machine): Promise<void> {
  for (let turn = 0; vm.merging && turn < 500; turn += 1) await pause(10);
  assert.ok(!vm.merging);
}

/** Three snapshots, with something written after each. */
async function deployed({ cloud, state, machine }: Scene): Promise<Machine> {
  await cloud.ok('create');
  const vm = await machine();
  write(state, vm, 'day 0');
  for (const snap_name of ['one', 'two', 'three']) {
    await cloud.okCustom('CreateSnapshot', { snap_name });
    write(state, vm, `after ${snap_name}`);
  }
  return vm;
}

describe('checkpoints that are merged one by one', () => {
  test(
    'each snapshot that is left is what it was, whichever has gone before',
    scene(async (played) => {
      const { cloud, state } = played;
      const vm = await deployed(played);
      assert.equal(filesOf(state, vm), 4);
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'two' });
      await untilMerged(vm);
      assert.equal(filesOf(state, vm), 3, 'one file less, though snapshots are left');
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'three' });
      assert.equal(fileAt(state, vm.drives[0]?.path ?? '')?.content, 'after two');
      await cloud.okCustom('RestoreSnapshot', { snap_name: 'one' });
      assert.equal(fileAt(state, vm.drives[0]?.path ?? '')?.content, 'day 0');
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      await untilMerged(vm);
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'three' });
      await untilMerged(vm);
      assert.equal(filesOf(state, vm), 1);
      assert.equal(fileAt(state, vm.drives[0]?.path ?? '')?.content, 'day 0');
    }),
  );

  test(
    'a delete in the middle of the merges waits for all of them and leaves nothing',
    scene(async (played) => {
      const { cloud, state } = played;
      await deployed(played);
      state.mergeMs = 300;
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'two' });
      await cloud.ok('delete');
      assert.equal(state.machines.size, 0);
      assert.deepEqual(orphansOf(state), []);
    }),
  );

  test(
    'no snapshot goes while another machine builds on a file between two of them',
    scene(async (played) => {
      const { cloud, state } = played;
      const vm = await deployed(played);
      const parent = vm.checkpoints[1]?.drives[0]?.path ?? '';
      put(state, 'D:\\Disks\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
      const other = newMachine({ name: 'child' });
      other.drives.push({ path: 'D:\\Disks\\child.vhdx', controller: 'SCSI', location: 0 });
      state.machines.set(other.id, other);
      const before = [...state.files].map(([path, file]) => [path, file.content]);
      for (const refused of [
        await cloud.custom('DeleteSnapshot', { snap_name: 'one' }, { caller: admin }),
        await cloud.custom('Reinstall', { confirm: cloud.vm.name }, { caller: admin }),
        await cloud.call('delete', { caller: admin }),
      ]) {
        assert.equal(refused.exitCode, 1);
        assert.match(refused.text, /used by other machines/);
      }
      const after = [...state.files].map(([path, file]) => [path, file.content]);
      assert.deepEqual(after, before);
    }),
  );
});

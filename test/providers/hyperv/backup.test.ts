import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkpointVm } from '../../../fakes/winrm/checkpoints.ts';
import { fileAt, gib } from '../../../fakes/winrm/state.ts';
import { admin } from '../../support/payloads.ts';
import { orphansOf } from './backend.ts';
import { scene } from './scene.ts';

/* A backup makes checkpoints of its own, and may leave their files behind. */

const as = { caller: admin };

describe('the checkpoint of a backup', () => {
  test(
    'is not listed, restored or removed, and does not count',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      checkpointVm(state, vm, 'of-backup', 'Recovery');
      const one = { snap_name: 'one' };
      await cloud.okCustom('CreateSnapshot', one, { host: { max_snapshots: '1' } });
      const { document } = await cloud.okCustom('ListSnapshots');
      assert.match(JSON.stringify(document), /"one"/);
      assert.doesNotMatch(JSON.stringify(document), /of-backup/);
      for (const name of ['RestoreSnapshot', 'DeleteSnapshot']) {
        const { exitCode, text } = await cloud.custom(name, { snap_name: 'of-backup' });
        assert.equal(exitCode, 1, name);
        assert.match(text, /no snapshot of-backup/);
      }
      await cloud.okCustom('DeleteSnapshot', one);
      assert.deepEqual(
        vm.checkpoints.map(({ name }) => name),
        ['of-backup'],
      );
    }),
  );

  test(
    'keeps the disk from being made anew or larger, and the reason is told',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      checkpointVm(state, vm, 'of-backup', 'Recovery');
      const before = structuredClone([vm, [...state.files]]);
      const calls = [
        ['Reinstall', { confirm: vm.name }],
        ['ResizeDisk', { size_gb: '50' }],
      ] as const;
      for (const [name, parameters] of calls) {
        const { exitCode, text } = await cloud.custom(name, parameters, as);
        assert.equal(exitCode, 1, name);
        assert.match(text, /A backup of the instance is being made/);
        assert.deepEqual([vm, [...state.files]], before);
      }
    }),
  );

  test(
    'goes with its machine',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      checkpointVm(state, await machine(), 'of-backup', 'Recovery');
      await cloud.ok('delete');
      assert.deepEqual([state.machines.size, orphansOf(state)], [0, []]);
    }),
  );
});

describe('a disk that stays in the file of a checkpoint which is gone', () => {
  test(
    'is deleted with all its files',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      state.mergesFail = true;
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('CreateSnapshot', { snap_name: 'two' });
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'two' });
      assert.match((await machine()).drives[0]?.path ?? '', /\.avhdx$/);
      await cloud.ok('delete');
      assert.deepEqual([state.machines.size, orphansOf(state)], [0, []]);
    }),
  );

  test(
    'is made anew, and its files go',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      state.mergesFail = true;
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, as);
      const vm = await machine();
      assert.equal(vm.state, 'Running');
      const files = [...state.files.keys()].filter((path) => path.includes(vm.id));
      assert.deepEqual(files, [vm.drives[0]?.path.toLowerCase()]);
    }),
  );

  test(
    'cannot grow where Hyper-V refuses that, and the error says how it can',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      state.mergesFail = true;
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      const { path = '' } = (await machine()).drives[0] ?? {};
      const { exitCode, text } = await cloud.custom('ResizeDisk', { size_gb: 50 }, as);
      assert.equal(exitCode, 1);
      assert.match(text, /was never merged/);
      Object.assign(fileAt(state, path) ?? {}, { size: 50 * gib });
      assert.equal((await cloud.custom('ResizeDisk', { size_gb: 50 }, as)).exitCode, 0);
    }),
  );
});

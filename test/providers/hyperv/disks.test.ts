import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileAt, gib, type HostState, newMachine, put } from '../../../fakes/winrm/state.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { scene } from './scene.ts';

const as = { caller: admin };
const one = { disk: 'data-1' };

function dataFiles({ files }: HostState): readonly string[] {
  return [...files.keys()].filter((path) => /-data\d/.test(path));
}

async function fails(cloud: Cloud, name: string, parameters: object, why: RegExp): Promise<void> {
  const { exitCode, text } = await cloud.custom(name, { ...parameters }, as);
  assert.equal(exitCode, 1, text);
  assert.match(text, why);
}

describe('data disks on Hyper-V', () => {
  for (const generation of ['1', '2']) {
    test(
      `of generation ${generation} are files that name the instance, on SCSI of a machine that runs`,
      scene(async ({ cloud, state, machine, choose }) => {
        choose({ generation });
        await cloud.deploy();
        await cloud.okCustom('AddDisk', { size_gb: 2 }, as);
        const path = `d:\\disks\\i-2-42-vm-${cloud.vm.uuid}-data1.vhdx`;
        assert.deepEqual(dataFiles(state), [path]);
        const drive = (await machine()).drives[1];
        assert.deepEqual([drive?.controller, drive?.path.toLowerCase()], ['SCSI', path]);
        await cloud.okCustom('DetachDisk', one, as);
        assert.deepEqual([(await machine()).drives.length, dataFiles(state)], [1, [path]]);
      }),
    );
  }

  test(
    'stay attached while there are snapshots, whose files go on with the one that is connected',
    scene(async ({ cloud, machine }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 2 }, as);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'before' });
      const { drives } = structuredClone(await machine());
      await fails(cloud, 'DetachDisk', one, /while the instance has snapshots/);
      assert.deepEqual((await machine()).drives, drives);
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'before' });
      await cloud.okCustom('DetachDisk', one, as);
    }),
  );

  test(
    'that are younger than a snapshot and in another one stand against restoring the older one',
    scene(async ({ cloud, state, machine }) => {
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { snap_name: 'old' });
      await cloud.okCustom('AddDisk', { size_gb: 2 }, as);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'new' });
      const before = structuredClone([await machine(), [...state.files]]);
      await fails(cloud, 'RestoreSnapshot', { snap_name: 'old' }, /data-1 is younger/);
      assert.deepEqual([await machine(), [...state.files]], before);
    }),
  );

  test(
    'on which another disk builds are neither deleted by themselves nor with the instance',
    scene(async ({ cloud, state }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 2 }, as);
      await cloud.okCustom('DetachDisk', one, as);
      const [parent = ''] = dataFiles(state);
      put(state, 'E:\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
      const other = newMachine({ name: 'theirs' });
      other.drives.push({ path: 'E:\\child.vhdx', controller: 'SCSI', location: 0 });
      state.machines.set(other.id, other);
      await fails(
        cloud,
        'DeleteDisk',
        { ...one, confirm: cloud.vm.name },
        /used by other machines/,
      );
      assert.equal((await cloud.call('delete', as)).exitCode, 1);
      assert.notEqual(fileAt(state, parent), undefined);
      state.machines.delete(other.id);
      await cloud.ok('delete');
      assert.deepEqual(dataFiles(state), []);
    }),
  );

  test(
    'of another instance in the same folder are never shown, attached or deleted with this one',
    scene(async ({ cloud, state }) => {
      await cloud.deploy();
      const theirs = `D:\\Disks\\i-2-43-VM-8f4e2a6c-0e57-4a8b-a8d5-00000000002b-data1.vhdx`;
      put(state, theirs, { content: 'theirs', size: gib, fileSize: 1, parent: '' });
      const listed = await cloud.okCustom('ListDisks', undefined, as);
      assert.doesNotMatch(listed.text, /data-1/);
      await fails(cloud, 'AttachDisk', one, /no disk data-1/);
      await cloud.ok('delete');
      assert.notEqual(fileAt(state, theirs), undefined);
      state.files.delete(theirs.toLowerCase());
    }),
  );

  test(
    'that an administrator connected by other means are not counted, and nothing is done to them',
    scene(async ({ cloud, state, machine }) => {
      await cloud.deploy();
      put(state, 'E:\\extra.vhdx', { content: 'extra', size: gib, fileSize: 1, parent: '' });
      const vm = await machine();
      vm.drives.push({ path: 'E:\\extra.vhdx', controller: 'SCSI', location: 7 });
      await fails(cloud, 'DetachDisk', { disk: 'SCSI 0:7' }, /no disk/);
      assert.equal((await machine()).drives.length, 2);
    }),
  );

  test(
    'have no storage to choose',
    scene(async ({ cloud, choose }) => {
      choose({ data_disks: '1@gold' });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /all disks lie in vhd_path/);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileAt, gib, newMachine, put } from '../../../fakes/winrm/state.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { oops, scene } from './scene.ts';

const reinstall = (cloud: Cloud): Promise<Done> =>
  cloud.custom('Reinstall', { confirm: cloud.vm.name }, { caller: admin });

describe('Reinstall on Hyper-V', () => {
  test(
    'a reinstall that fails leaves the old disk in its place and the instance running',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const before = (await machine()).drives[0]?.path ?? '';
      const content = fileAt(state, before)?.content;
      for (const step of ['copy', 'exchange']) {
        state.errors.push({ step, trouble: oops, done: false });
        const parameters = { confirm: cloud.vm.name };
        const { exitCode } = await cloud.custom('Reinstall', parameters, { caller: admin });
        assert.equal(exitCode, 1);
        const vm = await machine();
        assert.deepEqual([vm.drives[0]?.path, vm.state], [before, 'Running'], step);
        assert.equal(fileAt(state, before)?.content, content);
      }
    }),
  );

  test(
    'the disk that a killed reinstall has left hinders no other reinstall, and goes with the instance',
    scene(async ({ cloud, state, machine }) => {
      const disks = (): string[] =>
        [...state.files.keys()].filter((path) => /i-2-42-vm/.test(path));
      await cloud.ok('create');
      const [first = ''] = disks();
      const second = first.replace('.vhdx', '-2.vhdx');
      const half = { content: 'half', size: gib, fileSize: gib, parent: '' };
      const leave = (): void => put(state, second, half);
      leave();
      const again = { confirm: cloud.vm.name };
      await cloud.okCustom('Reinstall', again, { caller: admin });
      assert.deepEqual(
        [(await machine()).drives[0]?.path.toLowerCase(), disks()],
        [second, [second]],
      );
      assert.notEqual(fileAt(state, second)?.content, 'half');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      await cloud.okCustom('Reinstall', again, { caller: admin });
      assert.deepEqual(
        [(await machine()).drives[0]?.path.toLowerCase(), disks()],
        [first, [first]],
      );
      leave();
      await cloud.ok('delete');
      assert.deepEqual(disks(), []);
    }),
  );

  test(
    'Reinstall puts an ISO image into the drive, and the new disk is empty and has the given size',
    scene(async ({ cloud, state, machine, choose }) => {
      await cloud.ok('create');
      const iso_path = 'D:\\ISO\\debian-12.iso';
      choose({ template_type: 'iso', iso_path, vhd_size_gb: '30' });
      assert.equal((await reinstall(cloud)).exitCode, 0);
      const { media, drives, state: now } = await machine();
      assert.deepEqual([media, now], [[iso_path], 'Running']);
      const disk = fileAt(state, drives[0]?.path ?? '');
      assert.deepEqual([disk?.size, disk?.parent], [30 * gib, '']);
      assert.match(disk?.content ?? '', /^empty/);
    }),
  );

  test(
    'a reinstall whose ISO image cannot be put into the drive leaves disk, drive and power as they were',
    scene(async ({ cloud, state, machine, choose }) => {
      await cloud.ok('create');
      const vm = await machine();
      const before = structuredClone([vm.drives, [...state.files]]);
      choose({ template_type: 'iso', iso_path: 'D:\\ISO\\debian-12.iso', vhd_size_gb: '30' });
      state.errors.push({ step: 'media', trouble: oops, done: false });
      assert.equal((await reinstall(cloud)).exitCode, 1);
      assert.deepEqual([vm.drives, [...state.files]], before);
      assert.deepEqual([vm.media, vm.state], [[], 'Running']);
    }),
  );

  test(
    'a reinstall beside a disk that builds on its own is refused before the power is cut',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const parent = vm.drives[0]?.path ?? '';
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      const child = newMachine({ name: 'child' });
      put(state, 'E:\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
      child.drives.push({ path: 'E:\\child.vhdx', controller: 'SCSI', location: 0 });
      state.machines.set(child.id, child);
      state.ran.length = 0;
      const { exitCode, text } = await reinstall(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /used by other machines/);
      assert.ok(!['copy', 'erase', 'power'].some((step) => state.ran.includes(step)));
    }),
  );

  test(
    'a new disk that is connected although Hyper-V complained is not deleted',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.ok('stop');
      const vm = await machine();
      const old = vm.drives[0]?.path ?? '';
      state.errors.push({ step: 'exchange', trouble: oops, done: true });
      assert.equal((await reinstall(cloud)).exitCode, 1);
      const now = vm.drives[0]?.path ?? '';
      assert.notEqual(now, old);
      assert.ok(fileAt(state, now) && fileAt(state, old), 'neither is lost');
      await cloud.ok('start');
      await cloud.ok('delete');
    }),
  );

  test(
    'an old disk that a backup holds open stays, and the instance runs from the new one',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const old = vm.drives[0]?.path ?? '';
      Object.assign(fileAt(state, old) ?? {}, { locked: true });
      const { exitCode, text } = await reinstall(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /Something else uses it: a backup/);
      assert.equal(vm.state, 'Running');
      assert.notEqual(vm.drives[0]?.path, old);
      Object.assign(fileAt(state, old) ?? {}, { locked: false });
      await cloud.ok('delete');
    }),
  );

  test(
    'a snapshot that was removed a moment ago is merged before the disk is exchanged',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
      state.mergeMs = 1_500;
      await cloud.okCustom('DeleteSnapshot', { snap_name: 'one' });
      const vm = await machine();
      assert.match(vm.drives[0]?.path ?? '', /\.avhdx$/, 'it is not merged yet');
      assert.equal((await reinstall(cloud)).exitCode, 0);
      const files = [...state.files.keys()].filter((path) => path.includes(vm.id));
      assert.deepEqual(files, [vm.drives[0]?.path.toLowerCase()]);
    }),
  );

  test(
    'what cannot be made is refused before anything is touched',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const before = structuredClone([vm, [...state.files]]);
      state.ran.length = 0;
      const refused = async (why: RegExp): Promise<void> => {
        const { exitCode, text } = await reinstall(cloud);
        assert.equal(exitCode, 1);
        assert.match(text, why);
        assert.deepEqual([vm, [...state.files]], before);
        assert.ok(!['copy', 'erase', 'power'].some((step) => state.ran.includes(step)));
      };
      state.freeBytes = 6 * gib;
      await refused(/6 GiB free, 2 are needed/);
      state.freeBytes = null;
      const template = 'd:\\templates\\debian-12.vhdx';
      const file = fileAt(state, template);
      assert.ok(file !== undefined);
      state.files.delete(template);
      before[1] = [...state.files];
      await refused(/no template/);
      put(state, template, file);
      const other = newMachine({ name: 'other' });
      const second = (vm.drives[0]?.path ?? '').replace('.vhdx', '-2.vhdx');
      put(state, second, { content: 'other', size: gib, fileSize: 1, parent: '' });
      other.drives.push({ path: second, controller: 'SCSI', location: 0 });
      state.machines.set(other.id, other);
      before[1] = [...state.files];
      await refused(/Both places for a disk of i-2-42-VM are in use/);
    }),
  );

  test(
    'a machine with two disks is refused before anything is touched',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      put(state, 'E:\\Data\\more.vhdx', { content: 'm', size: gib, fileSize: 1, parent: '' });
      vm.drives.push({ path: 'E:\\Data\\more.vhdx', controller: 'SCSI', location: 1 });
      const before = structuredClone(vm);
      const { exitCode, text } = await reinstall(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /has 2 disks/);
      assert.deepEqual(vm, before);
    }),
  );

  test(
    'an old disk that lies elsewhere, or that another machine builds on, stays',
    scene(async ({ cloud, state, machine }) => {
      await cloud.ok('create');
      const vm = await machine();
      const [drive] = vm.drives;
      assert.ok(drive !== undefined);
      const own = fileAt(state, drive.path);
      const elsewhere = 'E:\\Data\\own.vhdx';
      assert.ok(own !== undefined);
      put(state, elsewhere, own);
      state.files.delete(drive.path.toLowerCase());
      drive.path = elsewhere;
      assert.equal((await reinstall(cloud)).exitCode, 0);
      assert.ok(fileAt(state, elsewhere));
      const parent = vm.drives[0]?.path ?? '';
      assert.notEqual(parent, elsewhere);
      const child = newMachine({ name: 'child' });
      put(state, 'E:\\child.vhdx', { content: 'c', size: gib, fileSize: 1, parent });
      child.drives.push({ path: 'E:\\child.vhdx', controller: 'SCSI', location: 0 });
      state.machines.set(child.id, child);
      assert.equal((await reinstall(cloud)).exitCode, 0);
      assert.ok(fileAt(state, parent));
      assert.notEqual(vm.drives[0]?.path, parent);
    }),
  );

  test(
    'a .vhd template is refused for a machine of generation 2',
    scene(async ({ cloud, machine, choose }) => {
      await cloud.ok('create');
      const before = structuredClone(await machine());
      choose({ template_path: 'D:\\Templates\\old.vhd', generation: '1' });
      const { exitCode, text } = await reinstall(cloud);
      assert.equal(exitCode, 1);
      assert.match(text, /Generation 2 cannot start from/);
      assert.deepEqual(await machine(), before);
    }),
  );
});

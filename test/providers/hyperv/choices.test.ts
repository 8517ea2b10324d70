import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gib, newMachine, put } from '../../../fakes/winrm/state.ts';
import { scene } from './scene.ts';

describe('create on Hyper-V, with what an instance chose,', () => {
  test(
    'of an ISO image wants the size of the disk',
    scene(async ({ cloud, state, choose }) => {
      choose({ template_type: 'iso', iso_path: 'D:\\ISO\\debian-12.iso' });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /vhd_size_gb/);
      assert.equal(state.machines.size, 0);
    }),
  );

  test(
    'of an ISO image that is missing makes nothing',
    scene(async ({ cloud, state, choose }) => {
      const iso_path = 'D:\\ISO\\gone.iso';
      choose({ template_type: 'iso', iso_path, vhd_size_gb: '30' });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /no ISO image/);
      assert.equal(state.ran.includes('make'), false);
    }),
  );

  test(
    'never makes a disk smaller than its template',
    scene(async ({ cloud, state, choose }) => {
      choose({ vhd_size_gb: '9' });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /has 10 GiB and cannot be made smaller/);
      assert.equal(state.ran.includes('make'), false);
    }),
  );

  test(
    'never takes another machine’s disk or something named like one for a template',
    scene(async ({ cloud, state, choose }) => {
      const other = newMachine({ name: 'DC01' });
      state.machines.set(other.id, other);
      const disk = { content: 'secrets', size: gib, fileSize: gib, parent: '' };
      put(state, 'D:\\VMs\\dc01.vhdx', disk);
      const named = ['D:\\Disks\\i-2-43-VM-x.vhdx', `E:\\web-${other.id}.vhdx`];
      for (const path of named) put(state, path, disk);
      other.drives.push({ path: 'D:\\VMs\\DC01.vhdx', controller: 'SCSI', location: 0 });
      for (const template_path of ['D:\\VMs\\dc01.vhdx', ...named]) {
        choose({ template_path });
        const { exitCode, text } = await cloud.call('create');
        assert.equal(exitCode, 1);
        assert.match(text, /no template/);
      }
      assert.equal(state.machines.size, 1);
      state.files.delete('d:\\disks\\i-2-43-vm-x.vhdx');
    }),
  );

  for (const path of [
    '\\\\evil.example.org\\share\\x.vhdx',
    '//evil/share/x.vhdx',
    'D:\\Templates\\..\\Disks\\x.vhdx',
    'D:\\Templates\\*.vhdx',
    'D:\\Templates\\[a].vhdx',
    'D:\\Templates\\x.vhdx:stream.vhdx',
    '\\\\?\\D:\\x.vhdx',
    'D:\\a"; Remove-VM *; ".vhdx',
    'D:\\con.vhdx',
    'D:\\Disks\\I-2-43~1.VHD',
    'D:\\VIRTUA~1\\dc01.vhdx',
    'x.vhdx',
    `D:\\${'x'.repeat(300)}.vhdx`,
    'D:\\Templates\\x.txt',
  ]) {
    test(
      `does not let an instance choose ${path.slice(0, 40)}`,
      scene(async ({ cloud, backend, choose }) => {
        choose({ template_path: path });
        const { exitCode, text } = await cloud.call('create');
        assert.equal(exitCode, 1);
        assert.match(text, /template_path/);
        assert.equal(backend.fake.server.seen.length, 0, 'the host was not asked');
      }),
    );
  }

  test(
    'takes a template on a share that the operator allows',
    scene(async ({ cloud, state, choose }) => {
      const template_path = '\\\\files\\templates\\debian.vhdx';
      put(state, template_path, { content: 'd', size: gib, fileSize: gib, parent: '' });
      choose({ template_path });
      const host = { allowed_templates: '\\\\files\\templates\\*' };
      await cloud.ok('create', { host });
      await cloud.ok('delete');
      state.files.delete(template_path);
      assert.match((await cloud.call('create', { host })).text, /does not reach shares/);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inCluster } from './scene.ts';

const asAdmin = { caller: admin };
const snap = { snap_name: 'snap1' };

/** The details of the operator's template for instances that boot from an ISO image. */
const fromIso = {
  'External:template_type': 'iso',
  'External:iso_path': 'shared:iso/debian.iso',
  'External:disk_size_gb': '12',
};

/** Deployed, and saved once. */
async function backedUp(cloud: Cloud): Promise<{ backup: string; confirm: string }> {
  await cloud.deploy();
  await cloud.okCustom('Backup', {}, asAdmin);
  const { document } = await cloud.okCustom('ListBackups', {}, asAdmin);
  const [row] = document['message'] as { Backup: string }[];
  return { backup: row?.Backup ?? '', confirm: cloud.vm.name };
}

describe('proxmox puts disks back and makes them anew', { concurrency: 4 }, () => {
  it(
    'a restored snapshot brings neither the NICs nor the tags of that day back',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', snap);
      await cloud.ok('stop');
      assert.equal(cluster.vm(10042).config.has('net1'), true);
      cloud.change({ nics: cloud.vm.nics.slice(0, 1) });
      await cloud.ok('start');
      const tags = `${cluster.vm(10042).config.get('tags')};prod`;
      cluster.vm(10042).config.set('tags', tags);
      await cloud.okCustom('RestoreSnapshot', snap);
      const { config, power } = cluster.vm(10042);
      assert.deepEqual([config.has('net1'), config.get('tags'), power], [false, tags, 'running']);
    }),
  );

  it(
    'a snapshot with memory brings neither the tags nor the missing protection of that day back',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ snapshot_memory: 'true' });
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { ...snap, snap_save_memory: true });
      const tags = `${cluster.vm(10042).config.get('tags')};prod`;
      cluster.vm(10042).config.set('tags', tags).set('protection', '1');
      await cloud.okCustom('RestoreSnapshot', snap);
      const { config, power } = cluster.vm(10042);
      assert.deepEqual(
        [config.get('tags'), config.get('protection'), power],
        [tags, '1', 'running'],
      );
    }),
  );

  it(
    'a machine in a pool that is restored from a backup stays in the pool',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ pool: 'cs' });
      cluster.state.pools.set('cs', { vms: new Set([9000]), storages: new Set() });
      await cloud.okCustom('RestoreBackup', await backedUp(cloud), asAdmin);
      const restore = cluster.requests.find(({ params }) => params['archive'] !== undefined);
      assert.deepEqual([restore?.params['pool'], restore?.params['storage']], ['cs', 'shared']);
    }),
  );

  it(
    'Reinstall from an ISO image gives an empty disk and boots from the image',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { disk } = await cloud.machine();
      cloud.change({ details: { ...cloud.vm.details, ...fromIso } });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, asAdmin);
      const { config, power } = cluster.vm(10042);
      assert.match(config.get('scsi0') ?? '', /^shared:.*size=12G/);
      assert.notEqual((await cloud.machine()).disk, disk);
      assert.match(config.get('ide2') ?? '', /^shared:iso\/debian\.iso,media=cdrom/);
      assert.deepEqual([config.get('boot'), power], ['order=scsi0;ide2', 'running']);
    }),
  );

  it(
    'Reinstall from an ISO image takes disk, image and boot order back when it fails',
    inCluster(async ({ cloud, cluster, backend }) => {
      await cloud.deploy();
      const before = await backend.machines();
      const boot = cluster.vm(10042).config.get('boot');
      const volumes = cluster.state.volumes.size;
      cloud.change({ details: { ...cloud.vm.details, ...fromIso } });
      cluster.faults.task({ type: 'qmstart', fail: 'start failed: QEMU exited with code 1' });
      const given = { confirm: cloud.vm.name };
      assert.equal((await cloud.custom('Reinstall', given, asAdmin)).exitCode, 1);
      const { config, power } = cluster.vm(10042);
      assert.deepEqual(
        [config.get('ide2'), config.get('boot'), power],
        [undefined, boot, 'running'],
      );
      const disks = (all: typeof before) => all.map(({ disk }) => disk);
      assert.deepEqual(disks(await backend.machines()), disks(before));
      assert.equal(cluster.state.volumes.size, volumes);
    }),
  );

  it(
    'Reinstall keeps the old disk as an unused one where no snapshot can be made, and gives it back',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { disk } = await cloud.machine();
      const shared = cluster.state.storages.get('shared');
      assert.ok(shared);
      shared.type = 'lvm';
      const given = { confirm: cloud.vm.name };
      cluster.faults.task({ type: 'qmstart', fail: 'start failed: QEMU exited with code 1' });
      assert.equal((await cloud.custom('Reinstall', given, asAdmin)).exitCode, 1);
      const after = await cloud.machine();
      assert.deepEqual([after.disk, after.power], [disk, 'on']);
      assert.equal(cluster.vm(10042).config.get('unused0'), undefined);
      const { text } = await cloud.okCustom('Reinstall', given, asAdmin);
      assert.match(text, /"Old disk","Value":"kept as an unused disk"/);
      assert.match(cluster.vm(10042).config.get('unused0') ?? '', /vm-10042-disk-0/);
    }),
  );

  it(
    'an instance that is off stays off through Reinstall and RestoreBackup, however they end',
    inCluster(async ({ cloud, cluster }) => {
      const { confirm, backup } = await backedUp(cloud);
      await cloud.ok('stop');
      for (const [action, type, given] of [
        ['Reinstall', 'qmconfig', { confirm }],
        ['RestoreBackup', 'qmrestore', { confirm, backup }],
      ] as const) {
        cluster.faults.task({ type, fail: 'broken: no such thing' });
        assert.equal((await cloud.custom(action, given, asAdmin)).exitCode, 1);
        await cloud.okCustom(action, given, asAdmin);
      }
      assert.equal(cluster.vm(10042).power, 'stopped');
      const starts = cluster.requests.filter(({ path }) => path.endsWith('/status/start'));
      assert.equal(starts.length, 1, 'the one of its deployment');
    }),
  );

  it(
    'Reinstall is refused, and the machine goes on, when its storage is nearly full',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { pid } = cluster.vm(10042);
      const shared = cluster.state.storages.get('shared');
      assert.ok(shared);
      shared.otherBytes = shared.totalBytes;
      const { text } = await cloud.custom('Reinstall', { confirm: cloud.vm.name }, asAdmin);
      assert.match(text, /storage shared is 100 % full/);
      assert.equal(cluster.vm(10042).pid, pid);
    }),
  );

  it(
    'a delete switches off a machine that a person has started in this moment',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      cluster.faults.request({
        ...{ method: 'DELETE', path: '/qemu/10042' },
        before: () =>
          void Object.assign(cluster.vm(10042), { power: 'running', qmp: 'running', pid: 4242 }),
      });
      await cloud.ok('delete');
      assert.equal(cluster.state.vms.has(10042), false);
    }),
  );
});

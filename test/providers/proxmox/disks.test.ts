import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inCluster, sessionOf } from './scene.ts';

const asAdmin = { caller: admin };

/** The options of the instance's machine that name disks beside its root disk. */
function disksOf(cluster: Cluster): Readonly<Record<string, string>> {
  const { config } = cluster.vm(10042);
  const entries = [...config].filter(([key]) => /^(scsi[1-9]|virtio|sata|unused)\d*$/.test(key));
  return Object.fromEntries(entries.sort());
}

function volumesOf(cluster: Cluster): readonly string[] {
  const own = [...cluster.state.volumes].filter(({ vmid }) => vmid === 10042);
  return own.map(({ storage, name }) => `${storage}:${name}`).sort();
}

async function fails(cloud: Cloud, name: string, parameters: object, why: RegExp): Promise<void> {
  const { exitCode, text } = await cloud.custom(name, { ...parameters }, asAdmin);
  assert.equal(exitCode, 1, text);
  assert.match(text, why);
}

describe('data disks on proxmox', { concurrency: 4 }, () => {
  it(
    'are made with a serial number of their own and in the format that can be snapshotted',
    inCluster(async ({ cloud, cluster }) => {
      cloud.change({ details: { ...cloud.vm.details, 'External:data_disks': '1,2@local-lvm' } });
      await cloud.deploy();
      const serial = (n: number) => `serial=data${n}-8f4e2a6c0e57`;
      assert.deepEqual(disksOf(cluster), {
        scsi1: `shared:10042/vm-10042-disk-1.qcow2,${serial(1)},size=1G`,
        scsi2: `local-lvm:vm-10042-disk-0,${serial(2)},size=2G`,
      });
    }),
  );

  it(
    'go to the bus that the operator wants',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ data_disk_bus: 'virtio' });
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1, storage: 'local-lvm' }, asAdmin);
      assert.deepEqual(Object.keys(disksOf(cluster)), ['virtio1']);
    }),
  );

  it(
    'never push another disk out of its place, which Proxmox VE would do without a word',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { config } = cluster.vm(10042);
      cluster.faults.request({
        ...{ method: 'PUT', path: /\/10042\/config$/ },
        before: () => void config.set('scsi1', 'local-lvm:vm-10042-disk-9,size=1G'),
      });
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      const { scsi1, scsi2, ...rest } = disksOf(cluster);
      assert.match(scsi1 ?? '', /disk-9/);
      assert.match(scsi2 ?? '', /serial=data1-/);
      assert.deepEqual(rest, {});
    }),
  );

  it(
    'that a running guest does not take are not left for its next start',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const vm = cluster.vm(10042);
      const before = volumesOf(cluster);
      for (const refusing of ['guest', 'option']) {
        vm.guest.plugsDisks = refusing !== 'guest';
        if (refusing === 'option') vm.config.set('hotplug', 'network,usb');
        await fails(cloud, 'AddDisk', { size_gb: 1 }, /did not take the disk/);
        assert.deepEqual([disksOf(cluster), [...vm.pending]], [{}, []]);
        assert.deepEqual(volumesOf(cluster), before);
      }
    }),
  );

  it(
    'that a running guest holds stay attached, also for its next start',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      const vm = cluster.vm(10042);
      const before = disksOf(cluster);
      vm.guest.plugsDisks = false;
      await fails(cloud, 'DetachDisk', { disk: 'scsi1' }, /did not let go/);
      assert.deepEqual([disksOf(cluster), vm.pendingDelete.size], [before, 0]);
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.deepEqual(disksOf(cluster), before);
    }),
  );

  it(
    'that a running guest does not take back stay detached',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      await cloud.okCustom('DetachDisk', { disk: 'scsi1' }, asAdmin);
      const before = disksOf(cluster);
      const vm = cluster.vm(10042);
      vm.guest.plugsDisks = false;
      await fails(cloud, 'AttachDisk', { disk: before['unused0'] }, /did not take the disk/);
      assert.deepEqual([disksOf(cluster), [...vm.pending]], [before, []]);
    }),
  );

  it(
    'on SATA, as a template may bring them, are not detached from a running instance',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const vm = cluster.vm(10042);
      vm.config.set('sata1', 'local-lvm:vm-10042-disk-8,size=1G');
      await fails(cloud, 'DetachDisk', { disk: 'sata1' }, /stop the instance/);
      assert.deepEqual([Object.keys(disksOf(cluster)), vm.pendingDelete.size], [['sata1'], 0]);
    }),
  );

  it(
    'that a snapshot holds are neither deleted nor moved, and the answer says why',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      await cloud.okCustom('CreateSnapshot', { snap_name: 'before' });
      await fails(
        cloud,
        ...(['MoveDisk', { disk: 'scsi1', storage: 'local-lvm' }, /in a snapshot/] as const),
      );
      await cloud.okCustom('DetachDisk', { disk: 'scsi1' }, asAdmin);
      const { unused0: disk } = disksOf(cluster);
      await fails(cloud, 'DeleteDisk', { disk, confirm: cloud.vm.name }, /in a snapshot/);
      assert.deepEqual(disksOf(cluster), { unused0: disk });
    }),
  );

  it(
    'are moved to another storage with their options, and so is the root disk',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      for (const disk of ['scsi1', 'scsi0']) {
        await cloud.okCustom('MoveDisk', { disk, storage: 'local-lvm' }, asAdmin);
      }
      const { config } = cluster.vm(10042);
      assert.match(config.get('scsi1') ?? '', /^local-lvm:vm-10042-disk-\d,serial=data1-/);
      assert.match(config.get('scsi0') ?? '', /^local-lvm:/);
      assert.equal(volumesOf(cluster).length, 2);
      await fails(cloud, 'MoveDisk', { disk: 'scsi1', storage: 'nosuch' }, /storage 'nosuch'/);
    }),
  );

  it(
    'of another machine that its configuration names are never shown, detached or deleted',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({ vmid: 300, name: 'theirs', storage: 'local-lvm', disk: '4G' });
      const theirs = cluster.vm(300).config.get('scsi0')?.split(',')[0] ?? '';
      await cloud.deploy();
      cluster.vm(10042).config.set('scsi5', theirs).set('unused3', theirs);
      const { text } = await cloud.okCustom('ListDisks', undefined, asAdmin);
      assert.ok(!text.includes(theirs));
      const given = { disk: theirs, confirm: cloud.vm.name };
      for (const action of ['DetachDisk', 'DeleteDisk', 'AttachDisk']) {
        await fails(cloud, action, given, /no disk/);
      }
    }),
  );

  it(
    'are shown detached with their size, which only the storage knows',
    inCluster(async ({ cloud }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 3 }, asAdmin);
      await cloud.okCustom('DetachDisk', { disk: 'scsi1' }, asAdmin);
      const { text } = await cloud.okCustom('ListDisks', undefined, asAdmin);
      assert.match(text, /"Attached":"no","Size":"3 GiB","Use":"data","Storage":"shared"/);
    }),
  );

  it(
    'whose configuration could not be written are found by audit, and no disk is lost by that',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const remarks = async () => {
        const machines = await (await sessionOf(cluster)).machines();
        return machines.find(({ remoteId }) => remoteId === '10042')?.remarks ?? [];
      };
      assert.deepEqual(await remarks(), []);
      cluster.state.quorate = false;
      await fails(cloud, 'AddDisk', { size_gb: 1 }, /quorum/);
      cluster.state.quorate = true;
      assert.deepEqual(disksOf(cluster), {});
      const [found = ''] = await remarks();
      assert.match(
        found,
        /volume shared:10042\/vm-10042-disk-1\.qcow2 .*qm disk rescan --vmid 10042/,
      );
    }),
  );
});

describe('a backup that is restored on proxmox', { concurrency: 4 }, () => {
  async function backedUp(cloud: Cloud): Promise<{ backup: string; confirm: string }> {
    await cloud.okCustom('Backup', {}, asAdmin);
    const { document } = await cloud.okCustom('ListBackups', {}, asAdmin);
    const [row] = document['message'] as { Backup: string }[];
    return { backup: row?.Backup ?? '', confirm: cloud.vm.name };
  }

  it(
    'leaves disks that it does not hold attached and detached as they are',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const saved = await backedUp(cloud);
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      await cloud.okCustom('AddDisk', { size_gb: 2 }, asAdmin);
      await cloud.okCustom('DetachDisk', { disk: 'scsi2' }, asAdmin);
      const before = disksOf(cluster);
      await cloud.okCustom('RestoreBackup', saved, asAdmin);
      assert.deepEqual(disksOf(cluster), before);
    }),
  );

  it(
    'brings the disks back that it holds, more than once',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      const saved = await backedUp(cloud);
      for (const _ of ['first', 'again']) {
        await cloud.okCustom('RestoreBackup', saved, asAdmin);
        const disks = disksOf(cluster);
        assert.deepEqual(Object.keys(disks), ['scsi1']);
        assert.match(disks['scsi1'] ?? '', /serial=data1-/);
      }
    }),
  );

  it(
    'is refused where Proxmox VE would delete another disk that is in the same place now',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('AddDisk', { size_gb: 1 }, asAdmin);
      const saved = await backedUp(cloud);
      const old = disksOf(cluster)['scsi1']?.split(',')[0];
      await cloud.okCustom('DetachDisk', { disk: 'scsi1' }, asAdmin);
      await cloud.okCustom('AddDisk', { size_gb: 2 }, asAdmin);
      const line = cluster.vm(10042).config.get('scsi1') ?? '';
      cluster.vm(10042).config.set('scsi1', line.replace(/serial=[^,]*,/, ''));
      const before = disksOf(cluster);
      assert.equal(before['unused0'], old);
      await fails(cloud, 'RestoreBackup', saved, /would overwrite scsi1/);
      assert.deepEqual(disksOf(cluster), before);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { installation } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inCluster, shown } from './scene.ts';

const asAdmin = { caller: admin };
const snap = { snap_name: 'snap1' };

describe('proxmox runs custom actions', { concurrency: 4 }, () => {
  it(
    'a snapshot name of one letter is refused with the rule that it breaks',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { exitCode, text } = await cloud.custom('CreateSnapshot', { snap_name: 'a' });
      assert.equal(exitCode, 1);
      assert.match(text, /2 to 40 characters: a letter, then letters, digits/);
      assert.equal((await cloud.custom('CreateSnapshot', { snap_name: 'a1' })).exitCode, 0);
      assert.deepEqual([...cluster.vm(10042).snapshots.keys()], ['a1']);
    }),
  );

  it(
    'restoring a snapshot never puts a machine on the network or the size of that day',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', snap);
      await cloud.ok('stop');
      const nics = cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2000 + nic.deviceId }));
      cloud.change({ nics, cpus: 3, memoryMb: 3072 });
      await cloud.ok('start');
      const nets: string[] = [];
      cluster.faults.request({
        path: '/status/start',
        before: () => void nets.push(cluster.vm(10042).config.get('net0') ?? ''),
      });
      await cloud.okCustom('RestoreSnapshot', snap);
      assert.match(nets[0] ?? '', /tag=2000/);
      const { config, power } = cluster.vm(10042);
      assert.deepEqual(
        [config.get('cores'), config.get('memory'), power],
        ['3', '3072', 'running'],
      );
      assert.match(config.get('tags') ?? '', /^or1\+\.10042/);
    }),
  );

  it(
    'a snapshot with memory is restored only where network and size are still the same',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ snapshot_memory: 'true' });
      await cloud.deploy();
      await cloud.okCustom('CreateSnapshot', { ...snap, snap_save_memory: true });
      await cloud.okCustom('RestoreSnapshot', snap);
      assert.equal(cluster.vm(10042).power, 'running');
      await cloud.ok('stop');
      const off = await cloud.custom('RestoreSnapshot', snap);
      assert.match(off.text, /would start the instance: start it first/);
      const { cpus, nics } = cloud.vm;
      const moved = nics.map((nic) => ({ ...nic, vlan: 2500 }));
      for (const change of [{ cpus: cpus + 1 }, { cpus, nics: moved }]) {
        cloud.change(change);
        await cloud.ok('start');
        const changed = await cloud.custom('RestoreSnapshot', snap);
        assert.match(changed.text, /the network, size or disks of the instance have changed since/);
        await cloud.ok('stop');
      }
      assert.match(cluster.vm(10042).config.get('net0') ?? '', /tag=2500/);
    }),
  );

  it(
    'texts of a snapshot arrive as they were written',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const snap_description = 'a b+c %41 \u00e9 "q" x&vmstate=1&description=evil $(id) `id`';
      await cloud.okCustom('CreateSnapshot', { ...snap, snap_description });
      const [made] = cluster.vm(10042).snapshots.values();
      assert.equal(made?.description.trim(), snap_description);
      assert.equal(made?.vmstate, undefined);
      const { document } = await cloud.okCustom('ListSnapshots');
      const [row] = document['message'] as { Description: string }[];
      assert.equal(row?.Description.replace(/\n/g, ''), snap_description, 'broken into lines');
    }),
  );

  it(
    'a description of two lines stays one text, even when the second looks like a setting',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const texts = [
        'first\nsecond',
        'x\na[$(touch /tmp/pwned)]=1',
        'x\nhost_url=https://192.0.2.1\nverify_tls_certificate=false',
      ];
      for (const [at, snap_description] of texts.entries()) {
        const given = { snap_name: `snap${at}`, snap_description };
        const { exitCode } = await cloud.custom('CreateSnapshot', given);
        const made = cluster.vm(10042).snapshots.get(`snap${at}`);
        if (exitCode === 0) assert.equal(made?.description.trim(), snap_description);
        else assert.equal(made, undefined);
      }
    }),
  );

  it(
    'a snapshot or backup is refused while its storage is nearly full',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const shared = cluster.state.storages.get('shared');
      assert.ok(shared);
      shared.otherBytes = shared.totalBytes;
      const { text } = await cloud.custom('CreateSnapshot', snap);
      assert.match(text, /There is no capacity for this instance right now/);
      assert.equal(cluster.vm(10042).snapshots.size, 0);
      const backup = await cloud.custom('Backup', { storage: 'shared' }, asAdmin);
      assert.match(backup.text, /storage shared is 100 % full/);
    }),
  );

  it(
    'the addresses that the guest reports are listed, and hostile ones are not',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { config, guest } = cluster.vm(10042);
      config.set('agent', '1');
      guest.addresses = [
        { nic: 'net0', ip: '10.1.1.23', prefix: 24 },
        { nic: 'net0', ip: '2001:db8::23', prefix: 64 },
        { nic: 'net1', ip: 'javascript:alert(1)', prefix: 0 },
      ];
      const { document } = await cloud.okCustom('GetIpAddresses');
      const rows = document['message'] as { 'IP address': string }[];
      assert.deepEqual(
        rows.map((row) => row['IP address']),
        ['10.1.1.23', '2001:db8::23'],
      );
    }),
  );

  it(
    'without a guest agent the answer says what is missing',
    inCluster(async ({ cloud }) => {
      await cloud.deploy();
      const { text } = await cloud.custom('GetIpAddresses');
      assert.match(text, /guest agent of this instance does not answer; is it installed/);
    }),
  );

  it(
    'a disk grows, stays as it is when the same is asked again, and never shrinks',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      for (const _ of ['first', 'again']) {
        await cloud.okCustom('ResizeDisk', { size_gb: 12 }, asAdmin);
      }
      assert.match(cluster.vm(10042).config.get('scsi0') ?? '', /size=12G/);
      const { text } = await cloud.custom('ResizeDisk', { size_gb: 6 }, asAdmin);
      assert.match(text, /has 12 GiB and cannot be made smaller/);
      assert.equal(
        (await cloud.custom('ResizeDisk', { size_gb: 20, disk: 'scsi7' }, asAdmin)).exitCode,
        1,
      );
    }),
  );

  it(
    'an ISO image is put in and taken out, and nothing else can be put in',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const drive = (): string => cluster.vm(10042).config.get('ide2') ?? '';
      const iso = { iso_path: 'shared:iso/debian.iso' };
      const inserted = /^shared:iso\/debian\.iso,media=cdrom/;
      const early = await cloud.okCustom('DetachIso', {}, asAdmin);
      assert.match(early.text, /There was no image in the drive/);
      const first = await cloud.okCustom('AttachIso', iso, asAdmin);
      assert.match(first.text, /The image is in drive ide2 after the next start/);
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.match(drive(), inserted);
      const out = await cloud.okCustom('DetachIso', {}, asAdmin);
      assert.match(out.text, /Drive ide2 is empty/);
      assert.equal(drive(), 'none,media=cdrom');
      const again = await cloud.okCustom('AttachIso', iso, asAdmin);
      assert.match(again.text, /The image is in drive ide2\."/);
      assert.match(drive(), inserted);
      for (const iso_path of [
        'shared:9000/base-9000-disk-0.qcow2',
        '/etc/passwd',
        'shared:iso/../x.iso',
        'shared:iso/a.iso,media=disk',
      ]) {
        assert.equal(
          (await cloud.custom('AttachIso', { iso_path }, asAdmin)).exitCode,
          1,
          iso_path,
        );
      }
    }),
  );

  it(
    'a machine moves to nodes that a host speaks for and to no others',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      const refused = await cloud.custom('Migrate', { node: 'pve2' }, asAdmin);
      assert.match(refused.text, /No host speaks for node pve2/);
      configure({ other_nodes: 'pve2' });
      await cloud.okCustom('Migrate', { node: 'pve2' }, asAdmin);
      assert.deepEqual([cluster.vm(10042).node, cluster.vm(10042).power], ['pve2', 'running']);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      const again = await cloud.okCustom('Migrate', { node: 'pve2' }, asAdmin);
      assert.match(again.text, /The instance is on pve2 already/);
    }),
  );

  it(
    "only this instance's own backups are listed and restored, also those made under another id",
    inCluster(async ({ cloud, cluster }) => {
      const former = { uuid: '99999999-0e57-4a8b-a8d5-4c4f6d6a7b10', name: 'i-9-9-VM' };
      const mark = {
        ...former,
        installation,
        remoteId: '10042',
        state: 'built',
        origin: 'created',
      } as const;
      cluster.plantVm({ vmid: 10042, storage: 'shared', description: writeMark(mark) });
      const foreign = cluster.plantBackup(10042);
      cluster.state.vms.delete(10042);
      cluster.broadcast();
      await cloud.deploy();
      await cloud.okCustom('Backup', {}, asAdmin);
      const { document, text } = await cloud.okCustom('ListBackups', {}, asAdmin);
      const rows = document['message'] as { Backup: string }[];
      assert.equal(rows.length, 1, text);
      const confirm = cloud.vm.name;
      const stolen = await cloud.custom('RestoreBackup', { backup: foreign, confirm }, asAdmin);
      assert.match(stolen.text, /This is no backup of this instance/);
      const backup = rows[0]?.Backup ?? '';
      await cloud.ok('stop');
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2600 })), cpus: 3 });
      await cloud.ok('start');
      await cloud.okCustom('RestoreBackup', { backup, confirm }, asAdmin);
      const { config, power } = cluster.vm(10042);
      assert.match(config.get('net0') ?? '', /tag=2600/);
      assert.deepEqual([config.get('cores'), power], ['3', 'running']);
      await cloud.ok('status');
      await cloud.ok('stop');
      await cloud.ok('delete');
    }),
  );

  it(
    'Reinstall keeps the old disk in a snapshot and gives it back when the copy fails',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { disk } = await cloud.machine();
      cluster.faults.task({ type: 'qmconfig', fail: 'copy failed' });
      const confirm = cloud.vm.name;
      assert.equal((await cloud.custom('Reinstall', { confirm }, asAdmin)).exitCode, 1);
      assert.equal((await cloud.machine()).disk, disk);
      const { text } = await cloud.okCustom('Reinstall', { confirm }, asAdmin);
      assert.match(text, /"Snapshot","Value":"before-reinstall-\d{14,}"/);
      assert.match(cluster.vm(10042).config.get('scsi0') ?? '', /size=8G/);
    }),
  );

  it(
    'a console is at the server that was asked, with a password of its own, and where the operator says',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      const shownBy = async (): Promise<Record<string, unknown>> =>
        (await cloud.ok('getconsole')).document['console'] as Record<string, unknown>;
      const first = await shownBy();
      const [screen] = cluster.state.consoles;
      assert.deepEqual(first, {
        host: '127.0.0.1',
        port: screen?.port,
        password: screen?.password,
        passwordonetimeuseonly: true,
        protocol: 'vnc',
      });
      assert.equal(String(first['password']).length, 8);
      configure({ console_address: 'pve1=10.9.8.7,pve2=10.9.8.8' });
      assert.equal((await shownBy())['host'], '10.9.8.7');
      configure({ console_address: 'proxy.example.org' });
      assert.equal((await shownBy())['host'], 'proxy.example.org');
      await cloud.ok('stop');
      const { exitCode, text } = await cloud.call('getconsole');
      assert.equal(exitCode, 1);
      assert.match(text, /The instance is not running/);
    }),
  );

  it(
    'a machine that was never finished shows no console, though it runs',
    inCluster(async ({ cloud, cluster, changes }) => {
      const { uuid, name } = cloud.vm;
      const mark = { uuid, name, installation, remoteId: '10042', origin: 'created' } as const;
      cluster.plantVm({
        ...{ vmid: 10042, name, disk: null, power: 'running' },
        description: writeMark({ ...mark, state: 'building' }),
      });
      const { exitCode, text } = await cloud.call('getconsole', asAdmin);
      assert.equal(exitCode, 1);
      assert.match(text, /Machine 10042 of i-2-42-VM was never finished/);
      assert.deepEqual(changes(), []);
    }),
  );

  it(
    'a reboot ends when the machine is back, and a guest that does not listen is reset',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { pid } = cluster.vm(10042);
      Object.assign(cluster.state.durations, { bringback: 300 });
      await cloud.ok('reboot');
      assert.equal(cluster.vm(10042).power, 'running');
      assert.notEqual(cluster.vm(10042).pid, pid);
      cluster.vm(10042).guest.obeys = false;
      await cloud.ok('reboot', { host: { grace_seconds: '1' } });
      assert.ok(cluster.requests.some((request) => shown(request).endsWith('/status/reset')));
      assert.equal(cluster.vm(10042).power, 'running');
    }),
  );

  it(
    'a machine under HA is stopped, started and deleted as it really does',
    inCluster(
      async ({ cloud, cluster }) => {
        await cloud.deploy();
        cluster.state.ha.set('vm:10042', { state: 'started' });
        await cloud.ok('stop', { state: 'Running' });
        assert.equal(cluster.vm(10042).power, 'stopped');
        await cloud.ok('start');
        assert.equal(cluster.vm(10042).power, 'running');
        await cloud.ok('stop', { state: 'Running' });
        await cloud.ok('delete');
        assert.equal(cluster.state.ha.has('vm:10042'), false);
      },
      { scale: 0.02 },
    ),
  );
});

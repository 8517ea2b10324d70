import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admin, type Details } from '../../support/payloads.ts';
import { type ClusterScene, inCluster } from './scene.ts';

const asAdmin = { caller: admin };

function choose({ cloud }: ClusterScene, details: Details): void {
  const chosen = Object.entries(details).map(([key, value]) => [`External:${key}`, value]);
  cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(chosen) } });
}

/** A Reinstall that fails with this text while the machine runs on as it was. */
async function refused({ cloud, cluster, changes }: ClusterScene, text: RegExp): Promise<void> {
  const { pid } = cluster.vm(10042);
  const before = changes().length;
  const { exitCode, text: answer } = await cloud.custom(
    'Reinstall',
    { confirm: cloud.vm.name },
    asAdmin,
  );
  assert.equal(exitCode, 1);
  assert.match(answer, text);
  assert.deepEqual(changes().slice(before), []);
  assert.deepEqual([cluster.vm(10042).pid, cluster.vm(10042).power], [pid, 'running']);
}

describe('proxmox reads all that a Reinstall needs while the machine still runs', {
  concurrency: 4,
}, () => {
  it(
    'an image that is not there stops no machine',
    inCluster(async (scene) => {
      await scene.cloud.deploy();
      choose(scene, { template_type: 'iso', iso_path: 'shared:iso/debain.iso' });
      await refused(scene, /There is no image shared:iso\/debain\.iso on node pve1/);
      choose(scene, { iso_path: 'nosuch:iso/debian.iso' });
      await refused(scene, /storage 'nosuch' does not exist/);
    }),
  );

  it(
    'a template with another firmware than the machine stops none',
    inCluster(async (scene) => {
      await scene.cloud.deploy();
      scene.cluster.vm(9000).config.set('bios', 'ovmf');
      await refused(scene, /its firmware is ovmf, and the machine's is seabios/);
    }),
  );

  it(
    "a template on another node's own storage stops no machine",
    inCluster(async (scene) => {
      await scene.cloud.deploy();
      scene.cluster.plantVm({ vmid: 9002, node: 'pve2', template: true, storage: 'local-lvm' });
      choose(scene, { template_id: '9002' });
      await refused(scene, /its disk is on pve2 alone, and the machine is on pve1/);
    }),
  );

  it(
    'a template that the token may look at but not copy stops no machine',
    inCluster(async (scene) => {
      const { cluster } = scene;
      await scene.cloud.deploy();
      cluster.state.roles.set('JustLooking', new Set(['VM.Audit']));
      const who = 'cloudstack@pve';
      cluster.state.acl.push({ path: '/vms/9000', role: 'JustLooking', who, propagate: true });
      await refused(scene, /the API token lacks VM\.Clone on \/vms\/9000/);
    }),
  );

  it(
    'a template that is too large for what is left of a storage stops no machine',
    inCluster(async (scene) => {
      const { cluster } = scene;
      await scene.cloud.deploy();
      const shared = cluster.state.storages.get('shared');
      assert.ok(shared);
      shared.type = 'lvm';
      cluster.plantVm({ vmid: 9003, template: true, storage: 'shared', disk: '3500G' });
      shared.otherBytes = shared.totalBytes / 2;
      choose(scene, { template_id: '9003' });
      await refused(scene, /needed are 3500 GiB/);
    }),
  );

  it(
    'an SSH key that OpenSSH cannot read stops no machine',
    inCluster(async (scene) => {
      const { cloud } = scene;
      await cloud.deploy();
      scene.configure({ cloud_init: 'dhcp' });
      cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': 'ssh-rsa not-a-key' } });
      await refused(scene, /The SSH key of the instance is none that OpenSSH can read/);
    }),
  );

  it(
    'a protected machine is neither stopped by Reinstall nor by RestoreBackup',
    inCluster(async (scene) => {
      const { cloud, cluster, changes } = scene;
      await cloud.deploy();
      await cloud.okCustom('Backup', {}, asAdmin);
      const { document } = await cloud.okCustom('ListBackups', {}, asAdmin);
      const [{ Backup: backup = '' } = {}] = document['message'] as { Backup?: string }[];
      cluster.vm(10042).config.set('protection', '1');
      await refused(scene, /is protected against removal/);
      const before = changes().length;
      const given = { backup, confirm: cloud.vm.name };
      const { text } = await cloud.custom('RestoreBackup', given, asAdmin);
      assert.match(text, /is protected against removal/);
      assert.deepEqual(changes().slice(before), []);
    }),
  );

  it(
    'the template for the node that the machine has moved to is taken',
    inCluster(async (scene) => {
      const { cloud, cluster } = scene;
      scene.configure({ nodes: 'pve1,pve2' });
      await cloud.deploy();
      await cloud.okCustom('Migrate', { node: 'pve2' }, asAdmin);
      cluster.plantVm({ vmid: 9001, node: 'pve2', template: true, storage: 'shared' });
      choose(scene, { template_id: 'pve1=9000,pve2=9001' });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, asAdmin);
      const made = cluster.requests.find(({ params }) =>
        /import-from/.test(String(params['scsi0'])),
      );
      assert.match(String(made?.params['scsi0']), /base-9001/);
    }),
  );
});

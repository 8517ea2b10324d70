import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { inCluster, shown } from './scene.ts';

const oldKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJx old@home';
const newKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpx new@home';

/** The facts that the guest finds on its drive. */
function toldTo(cluster: Cluster, vmid = 10042): Readonly<Record<string, string>> {
  const { sshkeys = '', ...others } = Object.fromEntries(cluster.vm(vmid).seed ?? []);
  return { ...others, ...(sshkeys === '' ? {} : { key: decodeURIComponent(sshkeys) }) };
}

function setKey(cloud: Cloud, key: string): void {
  cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': key } });
}

function setFirstNic(cloud: Cloud, ip: string, dns: string): void {
  cloud.change({
    nics: cloud.vm.nics.map((nic) => (nic.deviceId === 0 ? { ...nic, ip, dns } : nic)),
  });
}

describe('proxmox tells cloud-init what the payload says', { concurrency: 4 }, () => {
  it(
    'cloud-init gets the key, the user and the addresses of the NICs',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'static', cloud_init_user: 'admin' });
      const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJx a@b';
      cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': key } });
      await cloud.ok('create');
      const { config } = cluster.vm(10042);
      assert.equal(decodeURIComponent(config.get('sshkeys') ?? ''), key);
      assert.equal(config.get('ciuser'), 'admin');
      assert.equal(config.get('ipconfig0'), 'ip=10.1.1.23/24,gw=10.1.1.1');
      assert.equal(config.get('ipconfig1'), 'ip=dhcp');
      assert.match(config.get('ide2') ?? '', /cloudinit/);
    }),
  );

  it(
    'the drive of cloud-init is on the storage of the whole copy',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'dhcp' });
      const wanted = { template_id: '9000', is_full_clone: 'true', storage: 'local-lvm' };
      cloud.change({
        details: Object.fromEntries(
          Object.entries(wanted).map(([key, value]) => [`External:${key}`, value]),
        ),
      });
      await cloud.ok('create');
      assert.match(cluster.vm(10042).config.get('ide2') ?? '', /^local-lvm:.*cloudinit/);
    }),
  );

  it(
    'start brings the addresses, the key and the name servers of cloud-init up to date',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'static' });
      setKey(cloud, oldKey);
      setFirstNic(cloud, '10.1.1.23', '9.9.9.9');
      await cloud.deploy();
      const before = toldTo(cluster);
      assert.deepEqual(
        [before['ipconfig0'], before['nameserver'], before['key']],
        ['ip=10.1.1.23/24,gw=10.1.1.1', '9.9.9.9', oldKey],
      );
      await cloud.ok('stop');
      setKey(cloud, newKey);
      setFirstNic(cloud, '10.1.1.77', '8.8.8.8');
      const [first] = cloud.vm.nics;
      assert.ok(first);
      cloud.change({ nics: [first] });
      await cloud.ok('start');
      assert.deepEqual(toldTo(cluster), {
        ipconfig0: 'ip=10.1.1.77/24,gw=10.1.1.1',
        nameserver: '8.8.8.8',
        key: newKey,
      });
    }),
  );

  it(
    'a start after which cloud-init is told the same sends no request more than without cloud-init',
    inCluster(async ({ cloud, cluster, configure }) => {
      const asked = async (): Promise<readonly string[]> => {
        await cloud.ok('stop');
        const from = cluster.requests.length;
        await cloud.ok('start');
        return cluster.requests
          .slice(from)
          .map(shown)
          .filter((line) => !/\/tasks\//.test(line));
      };
      configure({ cloud_init: 'static' });
      setKey(cloud, oldKey);
      setFirstNic(cloud, '10.1.1.23', '9.9.9.9');
      await cloud.deploy();
      const withIt = await asked();
      configure({ cloud_init: 'off' });
      assert.deepEqual(withIt, await asked());
      assert.ok(!withIt.some((line) => line.startsWith('PUT')), withIt.join());
    }),
  );

  it(
    'start gives no drive of cloud-init to a machine that was made without one',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      configure({ cloud_init: 'static' });
      const before = [...cluster.vm(10042).config];
      await cloud.ok('start');
      assert.deepEqual([...cluster.vm(10042).config], before);
    }),
  );

  it(
    'a key that OpenSSH cannot read is refused before anything is copied',
    inCluster(async ({ cloud, configure, changes }) => {
      configure({ cloud_init: 'dhcp' });
      setKey(cloud, 'ssh-rsa not-a-key');
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /The SSH key of the instance is none that OpenSSH can read/);
      assert.deepEqual(changes(), []);
    }),
  );

  it(
    'Reinstall tells the new disk the key of today, and the addresses that the last start has brought',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'static' });
      setKey(cloud, oldKey);
      await cloud.deploy();
      await cloud.ok('stop');
      setFirstNic(cloud, '10.1.1.77', '8.8.8.8');
      await cloud.ok('start');
      setKey(cloud, newKey);
      configure({ cloud_init_user: 'admin' });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, { caller: admin });
      const told = toldTo(cluster);
      assert.deepEqual(
        [told['key'], told['ciuser'], told['ipconfig0'], told['nameserver']],
        [newKey, 'admin', 'ip=10.1.1.77/24,gw=10.1.1.1', '8.8.8.8'],
      );
    }),
  );

  it(
    'Reinstall gives a machine that was made without one the drive of cloud-init',
    inCluster(async ({ cloud, cluster, configure }) => {
      await cloud.deploy();
      setKey(cloud, newKey);
      configure({ cloud_init: 'dhcp' });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, { caller: admin });
      assert.deepEqual(toldTo(cluster), {
        ipconfig0: 'ip=dhcp',
        ipconfig1: 'ip=dhcp',
        key: newKey,
      });
    }),
  );

  it(
    'Reinstall from an ISO image leaves the drive of cloud-init where it is',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'dhcp' });
      await cloud.deploy();
      const { ide2 } = Object.fromEntries(cluster.vm(10042).config);
      assert.match(ide2 ?? '', /cloudinit/);
      cloud.change({
        details: {
          ...cloud.vm.details,
          'External:template_type': 'iso',
          'External:iso_path': 'shared:iso/debian.iso',
        },
      });
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, { caller: admin });
      const { config } = cluster.vm(10042);
      assert.equal(config.get('ide2'), ide2);
      assert.match(config.get('ide0') ?? '', /^shared:iso\/debian\.iso,media=cdrom/);
      assert.equal(config.get('boot'), 'order=scsi0;ide0');
    }),
  );
});

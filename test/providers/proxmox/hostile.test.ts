import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printConfig } from '../../../fakes/pve/machines.ts';
import { admin } from '../../support/payloads.ts';
import { inCluster } from './scene.ts';

/** Texts that break out of what they are put into: lists, forms, paths, shells, JSON. */
const hostile = [
  'a,bridge=vmbr1',
  'a&purge=1',
  '../../../access/users',
  '$(touch /tmp/pwned)',
  '`id`',
  'x"; y',
  "x'+__import__('os').system('id')+'",
  'a\nb=c',
  '%0a%0d',
  'tank:0,import-from=shared:9000/base-9000-disk-0.qcow2',
];

describe('proxmox lets no text mean more than it says', { concurrency: 4 }, () => {
  for (const key of ['storage', 'vm_name', 'iso_path', 'template_id', 'iso_os_type'] as const) {
    it(
      `as the detail ${key} of an instance`,
      inCluster(async ({ cloud, cluster, backend }) => {
        const before = await backend.machines();
        const kind = key.startsWith('iso') ? 'iso' : 'template';
        const base = {
          'External:template_type': kind,
          'External:template_id': '9000',
          'External:iso_path': 'shared:iso/debian.iso',
          'External:storage': 'shared',
          'External:is_full_clone': 'true',
        };
        for (const text of hostile) {
          cloud.change({ details: { ...base, [`External:${key}`]: text } });
          assert.equal((await cloud.call('create')).exitCode, 1, text);
        }
        assert.deepEqual(await backend.machines(), before);
        assert.ok(cluster.requests.every(({ method }) => method === 'GET'));
      }),
    );
  }

  for (const key of [
    'network_bridge',
    'network_map',
    'vnet_map',
    'cpu_type',
    'machine',
    'pool',
    'tags',
    'node',
  ] as const) {
    it(
      `as the setting ${key}`,
      inCluster(async ({ cloud, cluster, backend }) => {
        const before = await backend.machines();
        // In a map, the first of them is just another entry.
        for (const text of key.endsWith('_map') ? hostile.slice(1) : hostile) {
          const value = key.endsWith('_map') ? `204=${text}` : text;
          const { exitCode } = await cloud.call('create', { host: { [key]: value } });
          assert.equal(exitCode, 1, text);
        }
        assert.deepEqual(await backend.machines(), before);
        assert.ok(cluster.requests.every(({ method }) => method === 'GET'));
      }),
    );
  }

  it(
    'as the id that a tenant stored',
    inCluster(async ({ cloud, cluster, backend }) => {
      cluster.plantVm({ vmid: 101, name: 'victim', storage: 'shared', power: 'running' });
      const before = printConfig(cluster.vm(101).config);
      for (const text of [...hostile, '101', '0101', '1e2', '-1', '9000', '99999999999']) {
        cloud.change({ details: { ...cloud.vm.details, proxmox_vmid: text } });
        for (const action of ['stop', 'start', 'reboot', 'delete', 'getconsole', 'status']) {
          await cloud.call(action, { caller: admin });
        }
      }
      assert.equal(printConfig(cluster.vm(101).config), before);
      assert.equal(cluster.vm(101).power, 'running');
      assert.equal((await backend.machines()).length, 2);
      await cloud.ok('create');
      assert.equal((await cloud.machine()).remoteId, '10042');
    }),
  );

  it(
    'as the name of an instance',
    inCluster(async ({ cloud, cluster, backend }) => {
      const before = await backend.machines();
      for (const name of [...hostile, 'vm";$(touch /tmp/pwned)\'x', '../i-2-42-VM', '-', '']) {
        cloud.change({ name });
        const { exitCode } = await cloud.call('create');
        if (exitCode !== 0) continue;
        // A name that is taken arrives literally in the mark and as a plain name.
        const { mark, name: shown } = await cloud.machine();
        assert.ok(mark.includes(JSON.stringify(name).slice(1, -1)), name);
        assert.match(shown, /^[A-Za-z0-9.-]+$/);
        await cloud.ok('delete');
      }
      assert.deepEqual(await backend.machines(), before);
      const removed = cluster.requests.filter(({ method }) => method === 'DELETE');
      assert.ok(removed.every(({ path }) => path === '/nodes/pve1/qemu/10042'));
    }),
  );

  it(
    'as an SSH key, which arrives as it is',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ cloud_init: 'dhcp' });
      const key = 'ssh-rsa AAAAB3NzaC1yc2E+/w== "me" <x@y> 100% \u00e9&sshkeys=evil';
      cloud.change({ details: { ...cloud.vm.details, 'SSH.PublicKey': key } });
      await cloud.ok('create');
      assert.equal(decodeURIComponent(cluster.vm(10042).config.get('sshkeys') ?? ''), key);
    }),
  );

  it(
    'as the network of a NIC: what is no VLAN is refused unless a vnet is named for it',
    inCluster(async ({ cloud, cluster, backend, configure }) => {
      const before = await backend.machines();
      const nics = cloud.vm.nics.map((nic) => ({ ...nic, vlan: 9999 }));
      cloud.change({ nics });
      const { text } = await cloud.call('create');
      assert.match(text, /NIC 0 belongs to vlan:\/\/9999, which no bridge or vnet is named for/);
      assert.deepEqual(await backend.machines(), before);
      configure({ vnet_map: '204=vmbr1,205=vmbr1' });
      await cloud.ok('create');
      assert.match(cluster.vm(10042).config.get('net0') ?? '', /bridge=vmbr1$/);
    }),
  );
});

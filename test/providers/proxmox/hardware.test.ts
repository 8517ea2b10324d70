import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Nic } from '../../../src/contract/instance.ts';
import type { NodeRow } from '../../../src/providers/proxmox/machine/capacity.ts';
import { checkMemory, checkStorage } from '../../../src/providers/proxmox/machine/capacity.ts';
import {
  cloudInitAtStart,
  cloudInitFor,
} from '../../../src/providers/proxmox/machine/cloud-init.ts';
import { hardwareChange } from '../../../src/providers/proxmox/machine/config.ts';
import { bytesOf, disksOf, rootDisk } from '../../../src/providers/proxmox/machine/disks.ts';
import { isSameNet, netsFor } from '../../../src/providers/proxmox/machine/nics.ts';
import { instance, nic, read } from './values.ts';

describe('a NIC', () => {
  const net = (given: Record<string, string>, more: Partial<Nic> = {}) =>
    netsFor(read(given), [nic(more)])['net0'];

  it('is on its bridge with its VLAN', () => {
    assert.equal(net({}), 'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=1577');
    assert.equal(
      net({ network_map: '204=vmbr2' }),
      'virtio=02:01:00:CD:00:01,bridge=vmbr2,tag=1577',
    );
    assert.equal(
      net({ network_map: 'D1-S204=vmbr3' }),
      'virtio=02:01:00:CD:00:01,bridge=vmbr3,tag=1577',
    );
  });

  it('is on its vnet without a VLAN, even for a network that is none of VLANs', () => {
    const given = { vnet_map: 'c0a8e1de-1111-4f0b-9a40-000000000101=tenant1' };
    assert.equal(net(given), 'virtio=02:01:00:CD:00:01,bridge=tenant1');
    const other = { segment: { kind: 'other', uri: 'vxlan://5001' } } as const;
    assert.equal(net(given, other), 'virtio=02:01:00:CD:00:01,bridge=tenant1');
    assert.throws(() => net({}, other), /NIC 0 belongs to vxlan:\/\/5001/);
  });

  it('is on the vnet that its network names itself, unless the map names another one', () => {
    const segment = { kind: 'named', name: 'or7f3k2a', uri: 'vs://or7f3k2a' } as const;
    assert.equal(net({}, { segment }), 'virtio=02:01:00:CD:00:01,bridge=or7f3k2a');
    assert.equal(
      net({ vnet_map: '204=tenant1' }, { segment }),
      'virtio=02:01:00:CD:00:01,bridge=tenant1',
    );
    for (const name of ['cs-net-42', 'a', 'abcdefghi', '1abc', 'seg_1']) {
      const other = { kind: 'named', name, uri: `vs://${name}` } as const;
      assert.throws(() => net({}, { segment: other }), /NIC 0 belongs to vs:.*no bridge or vnet/);
    }
  });

  it('is plugged in with its link down where CloudStack has disabled it', () => {
    assert.match(net({}, { linkDown: true }) ?? '', /,tag=1577,link_down=1$/);
  });

  it('is untagged only where CloudStack says so or the operator named its bridge', () => {
    assert.equal(
      net({}, { segment: { kind: 'untagged' } }),
      'virtio=02:01:00:CD:00:01,bridge=vmbr0',
    );
    const none = { segment: { kind: 'none' } } as const;
    assert.throws(() => net({}, none), /says nothing about its network segment/);
    assert.equal(net({ network_map: '204=vmbr5' }, none), 'virtio=02:01:00:CD:00:01,bridge=vmbr5');
    const other = { segment: { kind: 'other', uri: 'vxlan://5001' } } as const;
    assert.throws(() => net({ network_map: '204=vmbr5' }, other), /belongs to vxlan/);
  });

  it('has model, firewall, trunks, MTU and rate as the operator sets them', () => {
    const given = {
      network_firewall: 'true',
      network_rate: 'true',
      network_mtu: 'network',
      trunk_map: '204=10;20-29',
    };
    assert.equal(
      net(given, { rateMbps: 200, mtu: 1450 }),
      'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=1577,trunks=10;20-29,firewall=1,mtu=1450,rate=25',
    );
    assert.equal(
      net({ network_model: 'e1000', network_mtu: '9000' }),
      'e1000=02:01:00:CD:00:01,bridge=vmbr0,tag=1577',
    );
    assert.match(net({ network_mtu: 'bridge' }) ?? '', /mtu=1$/);
    assert.match(net({ network_mtu: '9000' }, { mtu: 1450 }) ?? '', /mtu=9000$/);
    const plain = 'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=1577';
    assert.equal(net({}, { rateMbps: 200, mtu: 1450 }), plain);
    assert.equal(net({ network_rate: 'true', network_mtu: 'network' }), plain);
  });

  it('keeps the place of its device id', () => {
    const nets = netsFor(read(), [nic(), nic({ deviceId: 5 })]);
    assert.deepEqual(Object.keys(nets), ['net0', 'net5']);
    assert.throws(() => netsFor(read(), [nic({ deviceId: 32 })]), /one too many/);
  });

  it('is the same in another order and case', () => {
    assert.ok(
      isSameNet(
        'bridge=vmbr0,tag=5,virtio=02:01:00:cd:00:01',
        'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=5',
      ),
    );
    assert.ok(
      !isSameNet(
        'virtio=02:01:00:CD:00:01,bridge=vmbr0',
        'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=5',
      ),
    );
    assert.ok(
      !isSameNet('virtio=02:01:00:CD:00:01,bridge=VN', 'virtio=02:01:00:CD:00:01,bridge=vn'),
    );
  });
});

describe('the hardware of a machine', () => {
  it('is left alone where it is right already', () => {
    const config = {
      cores: '2',
      memory: '2048',
      net0: 'virtio=02:01:00:CD:00:01,bridge=vmbr0,tag=1577',
    };
    const nothing = { set: {}, remove: [] };
    assert.deepEqual(hardwareChange(read(), instance(), config), nothing);
    const spelt = { ...config, memory: 'current=2048' };
    assert.deepEqual(hardwareChange(read(), instance(), spelt), nothing);
  });

  it('loses what the instance does not have', () => {
    const config = { sockets: '2', vcpus: '1', balloon: '512', net3: 'virtio,bridge=vmbr0' };
    const { set, remove } = hardwareChange(read(), instance({ nics: [] }), config);
    assert.deepEqual(set, { cores: '2', sockets: '1', memory: '2048' });
    assert.deepEqual(remove, ['vcpus', 'balloon', 'net3']);
  });
});

describe('the disks of a machine', () => {
  const config = {
    boot: 'order=virtio1;ide2',
    scsi0: 'tank:100/vm-100-disk-0.qcow2,size=8G',
    virtio1: 'tank:100/vm-100-disk-1.qcow2,iothread=1,size=512M',
    ide2: 'local:iso/x.iso,media=cdrom',
    ide0: 'tank:100/vm-100-cloudinit.qcow2,media=cdrom',
  };

  it('are those that are no CD', () => {
    assert.deepEqual(
      disksOf(config).map(({ key }) => key),
      ['scsi0', 'virtio1'],
    );
  });

  it('begin with the one that it boots from', () => {
    assert.deepEqual(rootDisk(config), {
      key: 'virtio1',
      volume: 'tank:100/vm-100-disk-1.qcow2',
      storage: 'tank',
      sizeBytes: 512 * 2 ** 20,
    });
    assert.equal(rootDisk({ ...config, boot: 'order=net0' })?.key, 'scsi0');
    assert.equal(rootDisk({}), undefined);
  });

  it('begin with the one that older configurations name, or the lowest', () => {
    const disks = { scsi10: 'tank:a,size=1G', scsi2: 'tank:b,size=1G', sata1: 'tank:c,size=1G' };
    assert.equal(rootDisk({ ...disks, bootdisk: 'scsi10' })?.key, 'scsi10');
    assert.equal(rootDisk(disks)?.key, 'sata1');
    assert.deepEqual(
      disksOf(disks).map(({ key }) => key),
      ['sata1', 'scsi2', 'scsi10'],
    );
  });

  it('are without the drive of cloud-init, even one that is no CD', () => {
    assert.deepEqual(disksOf({ scsi1: 'tank:vm-100-cloudinit,size=4M' }), []);
  });

  it('have sizes with a unit', () => {
    assert.deepEqual(['4M', '1G', '2T', '512K', '100', ''].map(bytesOf), [
      2 ** 22,
      2 ** 30,
      2 ** 41,
      2 ** 19,
      100,
      0,
    ]);
  });
});

describe('cloud-init', () => {
  it('gets addresses of both families, and the gateway of the default NIC alone', () => {
    const nics = [
      nic({
        ipv4: {
          address: '10.1.1.5',
          netmask: '255.255.255.0',
          gateway: '10.1.1.1',
          dns: ['9.9.9.9', '9.9.9.9'],
        },
        ipv6: {
          ...{ address: '2001:db8::5', cidr: '2001:db8::/64', gateway: '2001:db8::1' },
          dns: ['2620:fe::fe'],
        },
      }),
      nic({
        deviceId: 1,
        isDefault: false,
        ipv4: { address: '10.2.2.5', netmask: '255.255.0.0', gateway: '10.2.0.1', dns: [] },
      }),
    ];
    const snippets = 'vendor=local:snippets/vendor.yaml';
    const wanted = { cloud_init: 'static', cloud_init_snippets: snippets, cloud_init_user: 'me' };
    const given = cloudInitFor(read(wanted), instance({ nics }), {
      scsi0: 'a:vm-1-disk-0,size=4G',
      ide2: 'a:vm-1-cloudinit',
    });
    assert.deepEqual(given.set, {
      ciuser: 'me',
      cicustom: snippets,
      ipconfig0: 'ip=10.1.1.5/24,gw=10.1.1.1,ip6=2001:db8::5/64,gw6=2001:db8::1',
      ipconfig1: 'ip=10.2.2.5/16',
      nameserver: '9.9.9.9 2620:fe::fe',
    });
  });

  it('gets a drive where there is none, and the key encoded as the API wants it', () => {
    const config = { scsi0: 'tank:vm-1-disk-0,size=4G', ide2: 'none,media=cdrom' };
    const sshPublicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5+/= me@home\n';
    assert.deepEqual(
      cloudInitFor(read({ cloud_init: 'dhcp' }), instance({ sshPublicKey }), config).set,
      {
        ide0: 'tank:cloudinit',
        sshkeys: 'ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5%2B%2F%3D%20me%40home',
        ipconfig0: 'ip=dhcp',
      },
    );
  });

  it('is left to ask for an address whose netmask is none', () => {
    for (const netmask of ['255.0.255.0', '255.255', undefined]) {
      const mask = netmask === undefined ? {} : { netmask };
      const nics = [nic({ ipv4: { address: '10.1.1.5', ...mask, dns: [] } })];
      const given = cloudInitFor(read({ cloud_init: 'static' }), instance({ nics }), {});
      assert.deepEqual(given.set, { ipconfig0: 'ip=dhcp' });
    }
  });

  it('gets nothing unless the operator wants it', () => {
    const given = cloudInitFor(read(), instance({ sshPublicKey: 'k' }), {});
    assert.deepEqual(given, { set: {}, remove: [] });
  });

  it('is told at a start only the facts that have changed; the order of their parts does not count', () => {
    const address = { address: '10.1.1.5', netmask: '255.255.255.0', gateway: '10.1.1.1' };
    const nics = [nic({ ipv4: { ...address, dns: ['9.9.9.9', '8.8.8.8'] } })];
    const sshPublicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@home';
    const config = {
      ide2: 'tank:vm-1-cloudinit,media=cdrom',
      sshkeys: `${encodeURIComponent(sshPublicKey)}%0A`,
      ipconfig0: 'gw=10.1.1.1,ip=10.1.1.5/24',
      nameserver: '9.9.9.9,8.8.8.8',
    };
    const atStart = (now: Record<string, string>) =>
      cloudInitAtStart(read({ cloud_init: 'static' }), instance({ nics, sshPublicKey }), now);
    assert.deepEqual(atStart(config), { set: {}, remove: [] });
    assert.deepEqual(atStart({ ...config, ipconfig0: 'ip=dhcp', ipconfig1: 'ip=10.9.9.9/24' }), {
      set: { ipconfig0: 'ip=10.1.1.5/24,gw=10.1.1.1' },
      remove: ['ipconfig1'],
    });
    assert.deepEqual(atStart({ ...config, nameserver: '9.9.9.9', sshkeys: '' }).set, {
      sshkeys: encodeURIComponent(sshPublicKey),
      nameserver: '9.9.9.9 8.8.8.8',
    });
    const { ide2: _drive, ...bare } = config;
    assert.deepEqual(atStart({ ...bare, ipconfig0: 'ip=dhcp' }), { set: {}, remove: [] });
  });

  it('keeps name servers that the payload does not say, unless their network is left', () => {
    const config = { ide2: 'tank:vm-1-cloudinit', ipconfig0: 'ip=dhcp', nameserver: '9.9.9.9' };
    const settings = read({ cloud_init: 'static' });
    assert.deepEqual(cloudInitAtStart(settings, instance(), config).remove, []);
    const before = { ...config, ipconfig0: 'ip=10.1.1.5/24' };
    assert.deepEqual(cloudInitAtStart(settings, instance(), before), {
      set: { ipconfig0: 'ip=dhcp' },
      remove: ['nameserver'],
    });
  });

  it('is told no key that OpenSSH cannot read', () => {
    const settings = read({ cloud_init: 'dhcp' });
    for (const sshPublicKey of ['k', 'ssh-rsa AAAA', 'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA x']) {
      assert.throws(
        () => cloudInitFor(settings, instance({ sshPublicKey }), {}),
        /The SSH key of the instance is none that OpenSSH can read/,
      );
    }
  });
});

describe('the capacity for an instance', () => {
  const gib = 2 ** 30;
  const node = { node: 'pve1', online: true, memoryBytes: 8 * gib, usedBytes: 5 * gib };
  const storage = {
    ...{ node: 'pve1', storage: 'tank', shared: false, type: 'lvmthin', content: ['images'] },
    ...{ available: true, totalBytes: 100 * gib, usedBytes: 95 * gib },
  };
  const place = { node: 'pve1', storage: 'tank', sizeBytes: 20 * gib };

  it('is there as long as the memory that is to stay free does', () => {
    const resources = { machines: [], nodes: [node], storages: [] };
    checkMemory(read(), resources, instance());
    assert.throws(
      () => checkMemory(read(), resources, instance({ memoryBytes: 2.5 * gib })),
      /pve1 has 3 GiB of memory free, i-2-42-VM needs 2\.5 and 1 have to stay free/,
    );
  });

  it('is that of the node itself, which has to be there and online', () => {
    const full = { ...node, node: 'pve2', usedBytes: 8 * gib };
    const on = (...nodes: readonly NodeRow[]) => ({ machines: [], nodes, storages: [] });
    checkMemory(read(), on(full, node), instance());
    assert.throws(() => checkMemory(read(), on(full), instance()), /no node pve1; it has pve2/);
    const offline = { ...node, online: false };
    assert.throws(() => checkMemory(read(), on(offline), instance()), /node pve1 is offline/);
  });

  it('is not looked at where the token may not see it', () => {
    const unmeasured = { ...node, memoryBytes: 8 * gib, usedBytes: undefined };
    for (const each of [unmeasured, { ...unmeasured, memoryBytes: undefined }])
      checkMemory(read(), { machines: [], nodes: [each], storages: [] }, instance());
    checkStorage(read(), [], place);
    checkStorage(read(), [{ ...storage, totalBytes: 0, usedBytes: 0 }], place);
  });

  it('is there as long as the share of the storage that is to stay free does', () => {
    const full = { ...storage, usedBytes: 95.5 * gib };
    checkStorage(read(), [{ ...full, storage: 'other' }, storage], place);
    assert.throws(() => checkStorage(read(), [full], place), /storage tank is 96 % full/);
  });

  it('is all of the disk on a storage that takes it at once', () => {
    const thick = { ...storage, type: 'lvm', usedBytes: 81 * gib };
    assert.throws(() => checkStorage(read(), [thick], place), /needed are 20 GiB/);
    checkStorage(read(), [{ ...thick, usedBytes: 80 * gib }], place);
  });

  it('is that of a shared storage, whichever node shows it', () => {
    const away = { ...storage, node: 'pve2', usedBytes: 100 * gib };
    checkStorage(read(), [away], place);
    assert.throws(
      () => checkStorage(read(), [{ ...away, shared: true }], place),
      /Not enough capacity/,
    );
  });
});

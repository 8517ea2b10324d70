import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import type { Nic, SizedInstance } from '../../src/provider.ts';
import { type Blueprint, blueprintIssues } from '../../src/providers/proxmox/blueprint.ts';
import { cloudInitFor } from '../../src/providers/proxmox/cloud-init.ts';
import { bytesOf, disksOf, rootDisk } from '../../src/providers/proxmox/disks.ts';
import { hostOf, readEndpoints } from '../../src/providers/proxmox/endpoint.ts';
import { hardwareChange } from '../../src/providers/proxmox/hardware.ts';
import { readIndex, writeIndex } from '../../src/providers/proxmox/index-tag.ts';
import { isoOptions } from '../../src/providers/proxmox/iso.ts';
import { powerOf } from '../../src/providers/proxmox/live.ts';
import { nameFor } from '../../src/providers/proxmox/new-machine.ts';
import { isSameNet, netsFor } from '../../src/providers/proxmox/nics.ts';
import { checkMemory, checkStorage } from '../../src/providers/proxmox/room.ts';
import { isAbsentHere } from '../../src/providers/proxmox/said.ts';
import type { Settings } from '../../src/providers/proxmox/settings.ts';
import { settings, settingsIssues } from '../../src/providers/proxmox/settings.ts';
import { forNode } from '../../src/providers/proxmox/template.ts';
import { failureOfText } from '../../src/providers/proxmox/trouble.ts';
import { candidateIds } from '../../src/providers/proxmox/vmids.ts';

/** Settings through their own schemas, as they come from details. */
function read(given: Record<string, string> = {}): Settings {
  const needed = { url: 'pve1', user: 'cs@pve', token: 'cs', secret: 's', node: 'pve1' };
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(settings)) {
    const raw = { ...needed, ...given }[key] ?? ('default' in field ? field.default : undefined);
    if (raw !== undefined) values[key] = v.parse(field.schema() as v.GenericSchema<string>, raw);
  }
  return values as unknown as Settings;
}

function nic(more: Partial<Nic> = {}): Nic {
  return {
    deviceId: 0,
    uuid: '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001',
    mac: '02:01:00:cd:00:01',
    isDefault: true,
    segment: { kind: 'vlan', id: 1577 },
    network: { id: '204', uuid: 'c0a8e1de-1111-4f0b-9a40-000000000101', name: 'D1-S204' },
    details: {},
    ...more,
  };
}

function instance(more: Partial<SizedInstance> = {}): SizedInstance {
  return {
    uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
    name: 'i-2-42-VM',
    id: 42,
    deploying: true,
    stored: {},
    cpus: 2,
    memoryBytes: 2 ** 31,
    nics: [nic()],
    ...more,
  };
}

describe('the address of a cluster', () => {
  const cases: Readonly<Record<string, readonly string[] | undefined>> = {
    'pve1.example.org': ['https://pve1.example.org:8006'],
    'pve1.example.org:443': ['https://pve1.example.org:443'],
    'https://pve1.example.org': ['https://pve1.example.org:8006'],
    'https://pve1.example.org:8443/': ['https://pve1.example.org:8443'],
    'https://pve1.example.org/api2/json': ['https://pve1.example.org:8006'],
    'https://proxy.example.org/pve/': ['https://proxy.example.org:443/pve'],
    'pve1, pve2:8007': ['https://pve1:8006', 'https://pve2:8007'],
    'fd00::11': ['https://[fd00::11]:8006'],
    '[fd00::11]:8007': ['https://[fd00::11]:8007'],
    'http://pve1': undefined,
    'https://root:pw@pve1': undefined,
    'https://pve1/?x=1': undefined,
    'pve 1': undefined,
    '': undefined,
  };
  for (const [given, wanted] of Object.entries(cases)) {
    it(`"${given}" is ${wanted?.join(' and ') ?? 'refused'}`, () => {
      assert.deepEqual(readEndpoints(given), wanted);
    });
  }

  it('has the host without brackets for others', () => {
    assert.equal(hostOf('https://[fd00::11]:8006'), 'fd00::11');
  });
});

describe('the index tag', () => {
  const index = {
    vmid: '10042',
    uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
    home: 'PVE-1.lab',
    installation: 'Cloud_1-x.Y',
    name: 'i-2-42-My_VM.Test',
  };

  it('comes back as it was written, in the letters that a tag may have', () => {
    const tag = writeIndex(index);
    assert.match(tag, /^[a-z0-9_][a-z0-9_+.-]*$/);
    assert.deepEqual(readIndex(`debian;${tag};web`), index);
  });

  it('is read only where there is exactly one', () => {
    const tag = writeIndex(index);
    for (const tags of [
      undefined,
      '',
      'web',
      `${tag};${writeIndex({ ...index, vmid: '7' })}`,
      tag.slice(0, 20),
    ]) {
      assert.equal(readIndex(tags), undefined);
    }
  });
});

describe('the ids of an instance', () => {
  it('begin with the number that CloudStack knows it by, within the range', () => {
    assert.equal(candidateIds(read(), instance())[0], 10_042);
    assert.equal(candidateIds(read({ vmid_range: '500-599' }), instance({ id: 1234 }))[0], 534);
  });

  it('are always the same, different from one another and within the range', () => {
    const small = read({ vmid_range: '20000-29999' });
    const ids = candidateIds(small, instance());
    assert.deepEqual(candidateIds(small, instance()), ids);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= 5 && ids.every((id) => id >= 20_000 && id <= 29_999));
    const other = candidateIds(small, instance({ uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b11' }));
    assert.ok(other.slice(1).some((id) => !ids.includes(id)));
  });

  it('follow what prepare chose only where that is within the range', () => {
    const at = (proxmox_vmid: string) =>
      candidateIds(read(), instance({ stored: { proxmox_vmid } }))[0];
    assert.equal(at('77777'), 77_777);
    for (const hint of ['101', '0x2710', '1000000', 'x', '']) assert.equal(at(hint), 10_042);
  });
});

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
        ipv6: { address: '2001:db8::5', cidr: '2001:db8::/64', gateway: '2001:db8::1', dns: [] },
      }),
      nic({
        deviceId: 1,
        isDefault: false,
        ipv4: { address: '10.2.2.5', netmask: '255.255.0.0', gateway: '10.2.0.1', dns: [] },
      }),
    ];
    const given = cloudInitFor(read({ cloud_init: 'static' }), instance({ nics }), {
      scsi0: 'a:vm-1-disk-0,size=4G',
      ide2: 'a:vm-1-cloudinit',
    });
    assert.deepEqual(given, {
      ipconfig0: 'ip=10.1.1.5/24,gw=10.1.1.1,ip6=2001:db8::5/64,gw6=2001:db8::1',
      ipconfig1: 'ip=10.2.2.5/16',
      nameserver: '9.9.9.9',
    });
  });

  it('gets a drive where there is none, and the key encoded as the API wants it', () => {
    const config = { scsi0: 'tank:vm-1-disk-0,size=4G', ide2: 'none,media=cdrom' };
    const sshPublicKey = 'ssh-ed25519 AA+/= me@home\n';
    assert.deepEqual(
      cloudInitFor(read({ cloud_init: 'dhcp' }), instance({ sshPublicKey }), config),
      {
        ide0: 'tank:cloudinit',
        sshkeys: 'ssh-ed25519%20AA%2B%2F%3D%20me%40home',
        ipconfig0: 'ip=dhcp',
      },
    );
  });

  it('is left to ask for an address whose netmask is none', () => {
    const ipv4 = { address: '10.1.1.5', netmask: '255.0.255.0', dns: [] };
    const nics = [nic({ ipv4 })];
    const given = cloudInitFor(read({ cloud_init: 'static' }), instance({ nics }), {});
    assert.deepEqual(given, { ipconfig0: 'ip=dhcp' });
  });

  it('gets nothing unless the operator wants it', () => {
    assert.deepEqual(cloudInitFor(read(), instance({ sshPublicKey: 'k' }), {}), {});
  });
});

describe('the room for an instance', () => {
  const gib = 2 ** 30;
  const node = { node: 'pve1', online: true, memoryBytes: 8 * gib, usedBytes: 5 * gib };
  const storage = {
    ...{ node: 'pve1', storage: 'tank', shared: false, type: 'lvmthin', content: ['images'] },
    ...{ available: true, totalBytes: 100 * gib, usedBytes: 95 * gib },
  };
  const place = { node: 'pve1', storage: 'tank', sizeBytes: 20 * gib };

  it('is there as long as the memory that is to stay free does', () => {
    const survey = { machines: [], nodes: [node], storages: [] };
    checkMemory(read(), survey, instance());
    assert.throws(
      () => checkMemory(read(), survey, instance({ memoryBytes: 2.5 * gib })),
      /pve1 has 3 GiB of memory free, i-2-42-VM needs 2\.5 and 1 have to stay free/,
    );
  });

  it('is there as long as the share of the storage that is to stay free does', () => {
    checkStorage(read(), [storage], place);
    const full = { ...storage, usedBytes: 95.5 * gib };
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
    assert.throws(() => checkStorage(read(), [{ ...away, shared: true }], place), /No room/);
  });
});

describe('what is chosen for an instance', () => {
  const wanted = { template_type: 'iso', iso_os_type: 'l26', is_full_clone: false } as const;
  const rest = {
    template_id: undefined,
    vm_name: undefined,
    storage: undefined,
    disk_size_gb: undefined,
    secure_boot: undefined,
  };

  it('is complete: a template needs its id, an ISO image its path', () => {
    const issues = (more: object) =>
      blueprintIssues({ ...wanted, ...rest, iso_path: undefined, ...more });
    assert.match(issues({ template_type: 'template' })[0] ?? '', /"template_id" is missing/);
    assert.match(issues({})[0] ?? '', /"iso_path" is missing/);
    assert.match(
      issues({ iso_path: 'tank:100/vm-100-disk-0.qcow2' })[0] ?? '',
      /storage:iso\/name\.iso/,
    );
    assert.deepEqual(
      issues({ iso_path: 'local:iso/debian-12.6 (1).iso'.replace(/ .*\)/, '') }),
      [],
    );
  });

  it('has one template for all nodes or one for each', () => {
    assert.equal(forNode('9000', 'pve1'), '9000');
    assert.equal(forNode('pve1=9000, pve2=9001', 'pve2'), '9001');
    assert.throws(() => forNode('pve1=9000', 'pve3'), /names no template for node pve3/);
  });

  it('has a name that Proxmox VE takes', () => {
    const name = (given: string, vm_name?: string) =>
      nameFor(instance({ name: given }), { ...wanted, ...rest, iso_path: undefined, vm_name });
    assert.equal(name('i-2-42-VM'), 'i-2-42-VM');
    assert.equal(name('i-2-42-my_vm-'), 'i-2-42-my-vm');
    assert.equal(name('i-2-42-VM', 'web1.example.org'), 'web1.example.org');
  });
});

describe('a machine that boots from an ISO image', () => {
  const wanted = { iso_os_type: 'l26', iso_path: 'local:iso/x.iso', storage: 'tank' } as Blueprint;
  const options = (given: Record<string, string>, boot?: SizedInstance['boot']) =>
    isoOptions(read(given), instance(boot === undefined ? {} : { boot }), wanted);

  it('has the firmware that the instance asks for, unless the operator says which', () => {
    assert.equal(options({})['bios'], undefined);
    const secure = options({}, { firmware: 'uefi', secure: true });
    assert.deepEqual(
      [secure['bios'], secure['efidisk0']],
      ['ovmf', 'tank:1,efitype=4m,pre-enrolled-keys=1'],
    );
    assert.match(options({ firmware: 'ovmf' })['efidisk0'] ?? '', /pre-enrolled-keys=0$/);
    assert.equal(
      options({ firmware: 'seabios' }, { firmware: 'uefi', secure: true })['efidisk0'],
      undefined,
    );
  });
});

describe('what Proxmox VE says of a machine', () => {
  it('is on or off only where nothing is half done', () => {
    const powers = [undefined, 'backup', 'suspended', 'suspending', 'clone', 'create', 'rollback'];
    assert.deepEqual(
      powers.map((lock) => powerOf({ status: 'stopped', lock })),
      ['off', 'off', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown'],
    );
    assert.equal(powerOf({ status: 'running', lock: 'suspending' }), 'on');
    assert.equal(powerOf({ status: undefined, lock: undefined }), 'unknown');
  });

  it('is that it is absent only in the very words, and about this machine', () => {
    const says = (text: string) => isAbsentHere(failureOfText(text, { what: 'look' }, 500), 150);
    assert.ok(says("Configuration file 'nodes/pve1/qemu-server/150.conf' does not exist"));
    assert.ok(says("unable to find configuration file for VM 150 on node 'pve1'"));
    assert.ok(!says("Configuration file 'nodes/pve1/qemu-server/1150.conf' does not exist"));
    assert.ok(!says("unable to find configuration file for VM 151 on node 'pve1'"));
    assert.ok(!says("storage 'nodes/pve1/qemu-server/150.conf' does not exist"));
  });
});

describe('settings that contradict each other', () => {
  it('are said all at once', () => {
    const issues = settingsIssues(read({ nodes: 'pve2', other_nodes: 'pve2', token_next: 'cs2' }));
    assert.equal(issues.length, 3);
    assert.deepEqual(settingsIssues(read({ nodes: 'pve1,pve2', other_nodes: 'pve3' })), []);
  });
});

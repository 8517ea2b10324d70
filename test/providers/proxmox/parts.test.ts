import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SizedInstance } from '../../../src/contract/instance.ts';
import { hostOf, readEndpoints } from '../../../src/providers/proxmox/api/endpoint.ts';
import { failureOfText } from '../../../src/providers/proxmox/api/error-catalogue.ts';
import { isAbsentHere } from '../../../src/providers/proxmox/api/error-texts.ts';
import type { Row } from '../../../src/providers/proxmox/api/wire.ts';
import { type Blueprint, blueprintIssues } from '../../../src/providers/proxmox/blueprint.ts';
import { isoOptions, nameFor } from '../../../src/providers/proxmox/machine/build.ts';
import { readIndex, writeIndex } from '../../../src/providers/proxmox/machine/index-tag.ts';
import { candidateIds } from '../../../src/providers/proxmox/machine/machine.ts';
import { stateOf } from '../../../src/providers/proxmox/machine/read.ts';
import { forNode, rowFor, storageOfCopy } from '../../../src/providers/proxmox/machine/template.ts';
import { settingsIssues } from '../../../src/providers/proxmox/settings.ts';
import { instance, read } from './values.ts';

describe('the address of a cluster', () => {
  const cases: Readonly<Record<string, readonly string[] | undefined>> = {
    'pve1.example.org': ['https://pve1.example.org:8006'],
    'pve1.example.org:443': ['https://pve1.example.org:443'],
    'https://pve1.example.org': ['https://pve1.example.org:8006'],
    'https://pve1.example.org:8443/': ['https://pve1.example.org:8443'],
    'https://pve1.example.org/api2/json': ['https://pve1.example.org:8006'],
    'https://proxy.example.org/pve/': ['https://proxy.example.org:443/pve'],
    'pve1, pve2:8007,': ['https://pve1:8006', 'https://pve2:8007'],
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

  it('come from a range of ten at least, of ids that Proxmox VE has', () => {
    for (const vmid_range of ['500-508', '509-500', '099-500'])
      assert.throws(() => read({ vmid_range }), /must span ten ids from 100 on/);
    assert.ok(candidateIds(read({ vmid_range: '100 - 109' }), instance()).every((id) => id < 110));
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

describe('what is chosen for an instance', () => {
  const wanted = { template_type: 'iso', iso_os_type: 'l26', is_full_clone: false } as const;
  const rest = {
    template_id: undefined,
    vm_name: undefined,
    storage: undefined,
    disk_size_gb: undefined,
    secure_boot: undefined,
    data_disks: undefined,
    user_data: undefined,
  };

  it('is complete: a template needs its id, an ISO image its path', () => {
    const issues = (more: object) =>
      blueprintIssues({ ...wanted, ...rest, iso_path: undefined, ...more }, read({}));
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
    for (const wanted of ['pve1=9000', 'pve1=9000,pve3='])
      assert.throws(() => forNode(wanted, 'pve3'), /names no template for node pve3/);
  });

  it('has the template of that name, on its own node where there are several', () => {
    const row = (vmid: number, node: string, more: Partial<Row> = {}): Row => ({
      ...{ vmid, node, name: 'debian', template: true, ...more },
      ...{ status: 'stopped', tags: undefined, lock: undefined, pool: undefined },
    });
    const machines = [
      row(100, 'pve1', { template: false }),
      row(9000, 'pve2'),
      row(9001, 'pve1'),
      row(9002, 'pve3'),
    ];
    const chosen = (name: string, node: string): number => rowFor(machines, name, node).vmid;
    assert.deepEqual([chosen('debian', 'pve1'), chosen('debian', 'pve2')], [9001, 9000]);
    assert.equal(chosen('100', 'pve1'), 100);
    assert.throws(() => chosen('debian', 'pve4'), /several templates of the name debian/);
    assert.throws(() => chosen('nosuch', 'pve1'), /no template of the name nosuch/);
    assert.throws(() => chosen('9009', 'pve1'), /no template 9009 that the API token sees/);
  });

  it('takes as much of a storage as a whole copy will have, and nothing when linked', () => {
    const config = { scsi0: 'tank:100/base-100-disk-0.qcow2,size=4G' };
    const template = { vmid: 100, node: 'pve1', config, isTemplate: true, shared: true };
    const copy = (more: object) =>
      storageOfCopy({ ...wanted, ...rest, iso_path: undefined, ...more }, template);
    const full = { is_full_clone: true, storage: 'ceph' };
    assert.deepEqual(copy({ storage: 'ceph', disk_size_gb: 20 }), {
      storage: 'tank',
      sizeBytes: 0,
    });
    assert.deepEqual(copy({ is_full_clone: true }), { storage: 'tank', sizeBytes: 4 * 2 ** 30 });
    assert.deepEqual(copy({ ...full, disk_size_gb: 20 }), {
      storage: 'ceph',
      sizeBytes: 20 * 2 ** 30,
    });
    assert.equal(storageOfCopy({} as Blueprint, { ...template, config: {} }), undefined);
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
    isoOptions(read(given), instance(boot === undefined ? {} : { boot }), wanted, undefined);

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
    const locks = [undefined, 'backup', 'suspended', 'suspending', 'clone', 'create', 'rollback'];
    assert.deepEqual(
      locks.map((lock) => stateOf({ status: 'stopped', lock })),
      ['off', 'off', 'saved', 'saved', 'unknown', 'unknown', 'unknown'],
    );
    assert.equal(stateOf({ status: 'running', lock: 'suspending' }), 'on');
    assert.equal(stateOf({ status: undefined, lock: undefined }), 'unknown');
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
  it('the contradictions of settings are reported all at once', () => {
    const issues = settingsIssues(read({ nodes: 'pve2', other_nodes: 'pve2', token_next: 'cs2' }));
    assert.equal(issues.length, 3);
    assert.deepEqual(settingsIssues(read({ nodes: 'pve1,pve2', other_nodes: 'pve3' })), []);
  });
});

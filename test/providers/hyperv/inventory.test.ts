import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gib, newMachine, put } from '../../../fakes/winrm/state.ts';
import type { FakeHyperV } from '../../../fakes/winrm/wsman.ts';
import type { Instance } from '../../../src/contract/instance.ts';
import { silent } from '../../../src/kit/log.ts';
import type { Verbs } from '../../../src/lifecycle/index.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { readMark, writeMark } from '../../../src/lifecycle/mark.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { installation } from '../../conformance/cloud.ts';
import { markOf } from '../../conformance/machine.ts';
import { deadlineIn, failureOf } from '../../support/http-client.ts';
import { hostDetails, orphansOf } from './backend.ts';
import { scene, settingsOf } from './scene.ts';

async function open(fake: FakeHyperV): Promise<Verbs> {
  const session = verbsOf(hyperv, settingsOf(hostDetails(fake)), {
    deadline: deadlineIn(10_000),
    log: silent,
    installation,
    stateDirectory: () => '',
  });
  return session;
}

test(
  'an audit sees every machine with its mark, size and network, under the instance’s name',
  scene(async ({ cloud, backend, state }) => {
    await cloud.ok('create');
    const { remoteId } = await cloud.machine();
    const other = `i-2-77-VM-${cloud.vm.uuid.replace(/.$/, 'f')}`;
    const built = newMachine({ name: other, state: 'OffCritical', clustered: true });
    const replica = newMachine({ name: 'replica', replication: 'Replica' });
    for (const machine of [built, replica]) state.machines.set(machine.id, machine);
    const { machines } = await open(backend.fake);
    state.ran.length = 0;
    const seen = await machines();
    assert.ok(
      !state.ran.includes('users'),
      'all disks are looked through only where a file is suspect',
    );
    assert.equal(seen.length, 2);
    const own = seen.find((machine) => machine.remoteId === remoteId);
    assert.equal(own?.power, 'on');
    assert.equal(own.cpus, 2);
    assert.equal(own.memoryBytes, 1024 ** 3);
    assert.deepEqual(own.nics, [
      { mac: cloud.vm.nics[0]?.mac, segment: { kind: 'vlan', id: 1577 } },
      { mac: cloud.vm.nics[1]?.mac, segment: { kind: 'untagged' } },
    ]);
    const unmarked = seen.find((machine) => machine.remoteId === built.id);
    assert.equal(unmarked?.name, 'i-2-77-VM');
    assert.equal(unmarked.mark, undefined);
    assert.equal(unmarked.power, 'unknown');
    assert.equal(unmarked.remarks?.length, 2);
  }),
);

const half = { content: 'half', size: gib, fileSize: gib, parent: '' };

test(
  'an audit names the disk of a partial machine that is not connected yet',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    const vm = await machine();
    vm.notes = writeMark(markOf(cloud, { state: 'building' })(vm.id));
    const [drive] = vm.drives.splice(0);
    const [own] = await (await open(backend.fake)).machines();
    assert.equal(own?.leftover, undefined);
    assert.match(
      own?.remarks?.join() ?? '',
      new RegExp(`^${pattern(drive?.path)} is its disk, .*`),
    );
    assert.match(own?.remarks?.join() ?? '', /stopping or deploying the instance removes it/);
    await cloud.ok('stop');
    assert.deepEqual(orphansOf(state), []);
  }),
);

test(
  'an audit names what a Reinstall left, and no disk that is used',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    await cloud.okCustom('CreateSnapshot', { snap_name: 'one' });
    const { name, id } = await machine();
    const remarks = async () =>
      (await (await open(backend.fake)).machines()).flatMap((each) => each.remarks ?? []);
    assert.deepEqual(await remarks(), [], 'the parent of a disk is in use');
    const second = `D:\\Disks\\${name}-${id}-2.vhdx`;
    put(state, second, half);
    const [remark, another] = await remarks();
    assert.match(remark ?? '', new RegExp(`^${pattern(second)} is its disk`));
    assert.match(remark ?? '', /reinstalling or deleting the instance removes it/);
    assert.equal(another, undefined);
    const copy = await backend.copy?.(id);
    assert.equal((await remarks()).length, 1, 'a copy has no disk of that name');
    state.machines.delete(copy ?? '');
    state.locks.set(cloud.vm.uuid, {});
    assert.deepEqual(
      await remarks(),
      [],
      'an action that is at the instance may be about to connect it',
    );
    state.locks.clear();
    await cloud.ok('delete');
  }),
);

test(
  'an audit does not call disks of other names left over',
  scene(async ({ cloud, backend, state, machine }) => {
    await cloud.ok('create');
    const { name, id } = await machine();
    for (const file of ['golden.vhdx', `${name}-${id}-3.vhdx`, `x-${name}-${id}.vhdx`]) {
      put(state, `D:\\Disks\\${file}`, half);
      const [own] = await (await open(backend.fake)).machines();
      assert.equal(own?.remarks, undefined, file);
      state.files.delete(`d:\\disks\\${file}`.toLowerCase());
    }
  }),
);

function pattern(path = ''): RegExp['source'] {
  return path.toLowerCase().replace(/[\\.]/g, '\\$&');
}

test(
  'adopt takes the GUID in capital letters too, and refuses replicas and roles of a cluster',
  scene(async ({ cloud, backend, state }) => {
    const { uuid, name } = cloud.vm;
    const instance: Instance = { uuid, name, deploying: false, stored: {} };
    const remoteId = await backend.plant({ name, power: 'on' });
    const replica = newMachine({ name: 'r', replication: 'Replica' });
    const role = newMachine({ name: 'c', clustered: true });
    for (const machine of [replica, role]) state.machines.set(machine.id, machine);
    for (const [{ id }, why] of [
      [replica, /it is a replica/],
      [role, /it is a role of a failover cluster/],
    ] as const) {
      const { adopt } = await open(backend.fake);
      assert.match((await failureOf(adopt(id, instance))).message, why);
    }
    await (await open(backend.fake)).adopt(remoteId.toUpperCase(), instance);
    const mark = readMark(state.machines.get(remoteId)?.notes ?? '');
    assert.deepEqual(mark, markOf(cloud, { origin: 'adopted' })(remoteId));
  }),
);

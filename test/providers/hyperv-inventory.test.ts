import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../src/kit/log.ts';
import { readMark } from '../../src/kit/mark.ts';
import type { Instance, Session } from '../../src/provider.ts';
import { hyperv } from '../../src/providers/hyperv/index.ts';
import { deadlineIn, failureOf } from '../kit/fakes/http-client.ts';
import { installation } from './conformance-cloud.ts';
import { hostDetails } from './fakes/hyperv/backend.ts';
import { scene, settingsOf } from './fakes/hyperv/scene.ts';
import { newMachine } from './fakes/hyperv/state.ts';
import type { FakeHyperV } from './fakes/hyperv/wsman.ts';

async function open(fake: FakeHyperV): Promise<Required<Pick<Session, 'machines' | 'adopt'>>> {
  const session = await hyperv.open(settingsOf(hostDetails(fake)), {
    deadline: deadlineIn(10_000),
    log: silent,
    installation,
    stateDirectory: () => '',
  });
  const { machines, adopt } = session;
  assert.ok(machines && adopt);
  return { machines, adopt };
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
    const seen = await machines();
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

test(
  'an unmarked machine is adopted, and nothing else is',
  scene(async ({ cloud, backend, state }) => {
    const { uuid, name } = cloud.vm;
    const instance: Instance = { uuid, name, deploying: false, stored: {} };
    const remoteId = await backend.plant({ name, power: 'on' });
    const replica = newMachine({ name: 'r', replication: 'Replica' });
    const role = newMachine({ name: 'c', clustered: true });
    const damaged = newMachine({ name: 'd', notes: '[outrigger:{' });
    for (const machine of [replica, role, damaged]) state.machines.set(machine.id, machine);
    const none = '00000000-0000-0000-0000-000000000000';
    for (const id of [none, replica.id, role.id, damaged.id]) {
      const { adopt } = await open(backend.fake);
      assert.equal((await failureOf(adopt(id, instance))).kind, 'conflict');
    }
    await (await open(backend.fake)).adopt(remoteId.toUpperCase(), instance);
    const mark = readMark(state.machines.get(remoteId)?.notes ?? '');
    assert.deepEqual(mark, {
      uuid,
      name,
      installation,
      remoteId,
      state: 'built',
      origin: 'adopted',
    });
    const second = await backend.plant({ name });
    const failure = await failureOf((await open(backend.fake)).adopt(second, instance));
    assert.match(failure.message, /has .* already/);
    assert.equal(state.machines.get(second)?.notes, 'somebody’s own words');
  }),
);

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Context } from '../../src/contract/context.ts';
import type { Driver } from '../../src/contract/driver.ts';
import type { GuestData } from '../../src/contract/guest.ts';
import type { GuestRecord, GuestStore } from '../../src/contract/guest-store.ts';
import type { SizedInstance } from '../../src/contract/instance.ts';
import type { Machine } from '../../src/contract/machine.ts';
import { Failure } from '../../src/failure.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { remove } from '../../src/lifecycle/delete.ts';
import { start } from '../../src/lifecycle/start.ts';
import { inMemory } from '../support/in-memory.ts';

const uuid = '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10';
const nic = { deviceId: 0, uuid: 'nic-1', mac: '02:00:00:00:00:01', isDefault: true } as const;
const instance: SizedInstance = {
  ...{ uuid, name: 'i-2-42-VM', deploying: false, stored: {}, cpus: 1, memoryBytes: 2 ** 30 },
  nics: [{ ...nic, segment: { kind: 'vlan', id: 5 }, network: {} }],
};
const record: GuestRecord = {
  ...{ nicUuid: 'nic-1', instanceUuid: uuid, networkId: '227', nic, savedAt: new Date(0) },
  data: { hostname: 'web1', publicKeys: ['key'], metadata: {}, userData: Buffer.from('#cloud') },
  password: 'secret',
};

function storeOf(records: GuestRecord[]): GuestStore {
  return {
    read: async (of) =>
      records.filter((one) =>
        of === 'all'
          ? true
          : 'nicUuid' in of
            ? one.nicUuid === of.nicUuid
            : one.instanceUuid === of.instanceUuid,
      ),
    write: async (fresh) => {
      const at = records.findIndex(({ nicUuid }) => nicUuid === fresh.nicUuid);
      records.splice(at < 0 ? records.length : at, at < 0 ? 0 : 1, fresh);
    },
    remove: async (nicUuid) => {
      records.splice(
        records.findIndex((one) => one.nicUuid === nicUuid),
        1,
      );
    },
  };
}

const machine: Machine = {
  remoteId: 'm1',
  name: instance.name,
  mark: {
    ...{ uuid, name: instance.name, installation: 'lab', remoteId: 'm1' },
    ...{ state: 'built', origin: 'created' },
  },
};

function lifeWith(store: GuestStore | undefined, given: Partial<Driver> = {}) {
  const told: (GuestData | undefined)[] = [];
  const driver = inMemory({
    list: async () => [machine],
    state: async () => 'off',
    powerOn: async (on, plan) => {
      told.push(plan.instance.guest);
      return on;
    },
    ...(store === undefined ? {} : { guests: async () => store }),
    ...given,
  });
  const deadline = createDeadline(() => 0, { endMs: 1000, undoEndMs: 2000 });
  const context: Context = {
    ...{ deadline, log: () => {}, installation: 'lab', stateDirectory: (name) => name },
  };
  return { life: { driver, context }, told };
}

describe('the data that the network half has kept', () => {
  it('reach the guest at a start, and the password reaches it once', async () => {
    const records = [record];
    const { life, told } = lifeWith(storeOf(records));
    await start(life, instance, {});
    await start(life, instance, {});
    const [first, second] = told;
    assert.equal(first?.hostname, 'web1');
    assert.equal(first?.userData?.toString(), '#cloud');
    assert.equal(first?.password, 'secret');
    assert.equal(first?.nics, instance.nics);
    assert.equal(second?.userData?.toString(), '#cloud');
    assert.equal(second?.password, undefined);
    assert.equal(first?.instanceId, second?.instanceId, 'the guest does no first boot again');
  });

  it('keep the password when the start fails or the machine was on already', async () => {
    const records = [record];
    const store = storeOf(records);
    const powerOn = async () => {
      throw new Failure('upstream', 'It does not start');
    };
    await assert.rejects(start(lifeWith(store, { powerOn }).life, instance, {}));
    await start(lifeWith(store, { state: async () => 'on' }).life, instance, {});
    assert.equal(records[0]?.password, 'secret');
  });

  it('keep a password that was reset while the start was under way', async () => {
    const records = [record];
    const powerOn = async (on: Machine) => {
      records[0] = { ...record, password: 'newer' };
      return on;
    };
    await start(lifeWith(storeOf(records), { powerOn }).life, instance, {});
    assert.equal(records[0]?.password, 'newer');
  });

  it('come from the default NIC, and of NICs that the instance does not have any more not at all', async () => {
    const second = { ...record, nicUuid: 'nic-2', nic: { ...nic, isDefault: false } };
    const other = { ...second, data: { hostname: 'other', publicKeys: [], metadata: {} } };
    const gone = { ...other, nicUuid: 'nic-9', password: 'of a NIC that is gone' };
    const { life, told } = lifeWith(storeOf([gone, other, { ...record, nicUuid: 'nic-1' }]));
    const two = [...instance.nics, { ...instance.nics[0], uuid: 'nic-2', deviceId: 1 }];
    await start(life, { ...instance, nics: two as SizedInstance['nics'] }, {});
    assert.equal(told[0]?.hostname, 'web1');
    assert.equal(told[0]?.password, 'secret');
  });

  it("give way to the payload's own, which are younger", async () => {
    const guest: GuestData = {
      ...{ instanceId: 'x', hostname: 'by ConfigDrive', publicKeys: [], nics: [], metadata: {} },
    };
    const { life, told } = lifeWith(storeOf([record]));
    await start(life, { ...instance, guest }, {});
    assert.equal(told[0]?.hostname, 'by ConfigDrive');
    assert.equal(told[0]?.password, 'secret');
  });

  it('go with the instance, whose removal no trouble with them stops', async () => {
    const records = [record];
    await remove(lifeWith(storeOf(records)).life, instance);
    assert.deepEqual(records, []);
    const broken = { ...storeOf([record]), read: () => Promise.reject(new Error('no disk')) };
    await remove(lifeWith(broken).life, instance);
    await start(lifeWith(undefined).life, instance, {});
  });
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Cluster, type Options, startProxmox } from '../../../../fakes/pve/index.ts';
import type { GuestRecord } from '../../../../src/contract/guest-store.ts';
import { guests } from '../../../../src/providers/proxmox/network/guests.ts';
import { openSession } from '../../../../src/providers/proxmox/network/session.ts';
import { detailsFor } from '../backend.ts';
import { seedOptions, seedsOf } from '../seed-scene.ts';
import { contextFor, killedAt, read } from './stage.ts';

const instanceUuid = '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10';
const nicUuid = '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001';
const facts = { hostname: 'web1', publicKeys: [], metadata: {} };
const record: GuestRecord = {
  ...{ nicUuid, instanceUuid, networkId: '231', savedAt: new Date() },
  nic: { mac: '02:01:00:cd:00:01', isDefault: true },
  data: { ...facts, userData: Buffer.from('#cloud-config\n') },
};

async function begin(t: TestContext, more: Options = {}) {
  const options = { ...seedOptions(), ...more };
  const cluster: Cluster = await startProxmox({
    ...options,
    tokens: [{ id: 'cloudstack@pve!cs', secret: 'aaaa' }],
  });
  t.after(cluster.close);
  const { node: _node, ...details } = detailsFor(cluster);
  const store = (given: Record<string, string> = { seed_storage: 'seeds' }) => {
    const settings = read({ ...details, secret: 'aaaa', ...given });
    const session = openSession(settings, contextFor('/nonexistent', {}));
    return { ...guests(session, settings.seed_storage), deadline: session.context.deadline };
  };
  const places = (): readonly string[] => seedsOf(cluster).map(({ node }) => node ?? 'shared');
  return { cluster, store, places };
}

describe('proxmox keeps the data of guests', { concurrency: 4 }, () => {
  it('on every node that an instance may be made on, in an image named by instance and NIC', async (t) => {
    const { cluster, store, places } = await begin(t);
    const { write, remove, deadline } = store();
    await write(record, deadline);
    await write(record, deadline);
    assert.deepEqual([...places()].sort(), ['pve1', 'pve2']);
    for (const { name } of seedsOf(cluster)) {
      assert.match(name, new RegExp(`-${instanceUuid}-${nicUuid}\\.iso$`));
    }
    await remove(nicUuid, deadline);
    await remove(nicUuid, deadline);
    assert.deepEqual(places(), []);
  });

  it('on the nodes of the setting alone, and once where the storage is shared', async (t) => {
    const one = await begin(t);
    const narrow = one.store({ seed_storage: 'seeds', nodes: 'pve2' });
    await narrow.write(record, narrow.deadline);
    assert.deepEqual(one.places(), ['pve2']);
    const { storages = [] } = seedOptions({ shared: true });
    const other = await begin(t, { storages });
    const shared = other.store();
    await shared.write(record, shared.deadline);
    assert.deepEqual(other.places(), ['shared']);
  });

  it('and refuses what would be lost: data without a storage, and a password that came alone', async (t) => {
    const { store, places } = await begin(t);
    const without = store({});
    await assert.rejects(without.write(record, without.deadline), /no storage is set/);
    const { data: _data, ...bare } = record;
    const { write, deadline } = store();
    await assert.rejects(
      write({ ...bare, password: 'new' }, deadline),
      /cannot keep a new password/,
    );
    await assert.rejects(
      store({ seed_storage: 'nosuch' }).write(record, deadline),
      /sees the storage nosuch on no node/,
    );
    await without.write({ ...record, data: facts }, without.deadline);
    assert.deepEqual(places(), [], 'a hostname reaches the guest without an image');
  });

  for (const side of ['before', 'after'] as const) {
    it(`and heals when a call was killed ${side} any changing request`, async (t) => {
      const { cluster, store, places } = await begin(t);
      const both = ['pve1', 'pve2'];
      for (let step = 0; ; step += 1) {
        const { write, remove, deadline } = store();
        const writing = await killedAt({ cluster }, step, side, () => write(record, deadline));
        await write(record, deadline);
        assert.deepEqual([...places()].sort(), both, `step ${step}`);
        const removing = await killedAt({ cluster }, step, side, () => remove(nicUuid, deadline));
        await remove(nicUuid, deadline);
        assert.deepEqual(places(), [], `step ${step}`);
        if (!writing && !removing) return assert.ok(step >= 2);
      }
    });
  }
});

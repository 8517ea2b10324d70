import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client, Reply } from '../../fakes/pve/client.ts';
import { begin, type Stage, text } from './pve-sdn.ts';

/* Conversations recorded from a genuine 8.4 (two nodes) and a genuine 9.2. */

describe('the fake of SDN, when it is applied', () => {
  const contentOf = async ({ rows }: Stage, node: string): Promise<unknown> =>
    (await rows(`/nodes/${node}/sdn/zones/zs/content`)).map((row) => [
      row['vnet'],
      row['status'],
      row['statusmsg'],
    ]);

  const make = (client: Client, vnet = 've3'): Promise<Reply> =>
    client.call('POST', '/cluster/sdn/vnets', { vnet, zone: 'zs' });

  it('ends well although a node fails, and no change is pending any more', async (t) => {
    const stage = await begin(t);
    const { client, cluster, rows } = stage;
    const pve2 = cluster.state.nodes.get('pve2');
    assert.ok(pve2);
    await make(client);
    assert.deepEqual(await contentOf(stage, 'pve1'), []);
    pve2.sdn.trouble = 'no-ssh';
    const { data } = await client.call('PUT', '/cluster/sdn');
    const task = cluster.state.tasks.find(String(data));
    await task?.ended;
    assert.equal(task?.exit, 'OK');
    assert.match(
      task?.log.join('\n') ?? '',
      /pve2: reloading network config\nproxy handler failed: ssh: connect to host \S+ port 22: Connection refused\ncommand 'pvesh set \/nodes\/pve2\/network' failed: exit code 255/,
    );
    assert.deepEqual(await rows('/cluster/sdn/vnets?pending=1'), [
      { vnet: 've3', type: 'vnet', digest: null, zone: 'zs' },
    ]);
    assert.deepEqual(await contentOf(stage, 'pve1'), [['ve3', 'available', null]]);
    const old = 'local sdn network configuration is too old, please reload';
    assert.deepEqual(await contentOf(stage, 'pve2'), [['ve3', 'pending', old]]);

    pve2.sdn.trouble = 'ifreload';
    assert.equal(await client.task('PUT', '/cluster/sdn'), 'OK');
    const missing = "vnet is not generated. Please check the 'reload network' task log.";
    assert.deepEqual(await contentOf(stage, 'pve2'), [['ve3', 'error', missing]]);
    assert.equal(
      await client.task('PUT', '/nodes/pve2/network'),
      "command 'ifreload -a' failed: exit code 1",
    );
    pve2.sdn.trouble = undefined;
    assert.equal(await client.task('PUT', '/nodes/pve2/network'), 'OK');
    assert.deepEqual(await contentOf(stage, 'pve2'), [['ve3', 'available', null]]);
  });

  it('says what a node lacks under a vnet, and nothing of a zone that is not on it', async (t) => {
    const stage = await begin(t, {
      zones: [
        { zone: 'zs', type: 'vlan', bridge: 'vmbr77' },
        { zone: 'zp', type: 'simple', nodes: 'pve2' },
      ],
    });
    await stage.client.call('POST', '/cluster/sdn/vnets', { vnet: 'vbad', zone: 'zs', tag: '9' });
    assert.equal(await stage.client.task('PUT', '/cluster/sdn'), 'OK');
    assert.deepEqual(await contentOf(stage, 'pve1'), [['vbad', 'error', 'missing vmbr77']]);
    assert.deepEqual(await stage.rows('/nodes/pve1/sdn/zones'), [{ zone: 'zs', status: 'error' }]);
    assert.deepEqual(await stage.rows('/nodes/pve1/sdn/zones/zp/content'), []);
  });

  it('lets applies at the same time collide on a node, and all end well', async (t) => {
    const { client, cluster } = await begin(t);
    await make(client);
    const replies = await Promise.all([1, 2, 3].map(() => client.call('PUT', '/cluster/sdn')));
    const tasks = replies.map(({ data }) => cluster.state.tasks.find(String(data)));
    for (const task of tasks) await task?.ended;
    assert.deepEqual(
      tasks.map((task) => task?.exit),
      ['OK', 'OK', 'OK'],
    );
    const logs = tasks.flatMap((task) => task?.log ?? []).join('\n');
    assert.match(logs, /command 'ifreload -a' failed: exit code 89/);
  });

  it('takes the bridge from under a running machine, which stays loose until it is plugged elsewhere', async (t) => {
    const stage = await begin(t, { vnets: { v1: 'zs' } });
    const { client, cluster } = stage;
    cluster.plantVm({ vmid: 100, power: 'running', config: { net0: 'virtio,bridge=v1' } });
    assert.equal(text(await client.call('DELETE', '/cluster/sdn/vnets/v1')), '200');
    assert.equal(await client.task('PUT', '/cluster/sdn'), 'OK');
    assert.deepEqual([...(cluster.vm(100).loose ?? [])], ['net0']);
    await make(client, 'v1');
    assert.equal(await client.task('PUT', '/cluster/sdn'), 'OK');
    const net0 = cluster.vm(100).config.get('net0') ?? '';
    const put = (value: string): Promise<Reply> =>
      client.call('PUT', '/nodes/pve1/qemu/100/config', { net0: value });
    await put(net0);
    assert.equal(cluster.vm(100).loose?.size, 1);
    await put(net0.replace('bridge=v1', 'bridge=vmbr0'));
    await put(net0);
    assert.equal(cluster.vm(100).loose?.size, 0);
  });

  it('stores the change of a NIC to a vnet that is not applied, and refuses it', async (t) => {
    const { client, cluster } = await begin(t);
    cluster.plantVm({ vmid: 100, power: 'running' });
    await make(client, 'vnew');
    const net0 = (cluster.vm(100).config.get('net0') ?? '').replace('vmbr0', 'vnew');
    const reply = await client.call('PUT', '/nodes/pve1/qemu/100/config', { net0 });
    assert.equal(
      text(reply),
      '400 Parameter verification failed. | net0: hotplug problem - interface vnew does not exist',
    );
    assert.equal(cluster.vm(100).pending.get('net0'), net0);
  });
});

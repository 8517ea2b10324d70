import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { clientFor } from '../../fakes/pve/client.ts';
import { type Options, startProxmox } from '../../fakes/pve/index.ts';

async function begin(t: TestContext, options: Options = {}) {
  const cluster = await startProxmox({ scale: 0.005, ...options });
  const client = clientFor(cluster);
  t.after(async () => {
    client.close();
    await cluster.close();
  });
  return { cluster, client };
}

it('gives an id to the first of five creates and refuses the others at once', async (t) => {
  const { client } = await begin(t);
  const replies = await Promise.all(
    [0, 1, 2, 3, 4].map((n) =>
      client.call('POST', '/nodes/pve1/qemu', { vmid: '160', name: `race${n}` }),
    ),
  );
  const refused = replies.filter(({ status }) => status === 500).map(({ reason }) => reason);
  assert.equal(refused.length, 4);
  assert.deepEqual(
    [...new Set(refused)],
    ["unable to create VM 160 - VM 160 already exists on node 'pve1'"],
  );
});

it('lets clones to one id begin and fails the losers in their task', async (t) => {
  const { client, cluster } = await begin(t, { scale: Number.POSITIVE_INFINITY });
  cluster.plantVm({ vmid: 100, template: true });
  const replies = await Promise.all(
    [0, 1, 2].map(() => client.call('POST', '/nodes/pve1/qemu/100/clone', { newid: '161' })),
  );
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200],
  );
  await cluster.clock.advance(5000);
  const ends = cluster.state.tasks.all.map(({ exit = 'running' }) => exit);
  const taken = 'unable to create VM 161: config file already exists';
  assert.deepEqual(ends.sort(), ['OK', taken, taken]);
});

it('starts and deletes a VM only once when asked twice', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 160 });
  const twice = (method: string, path: string) =>
    Promise.all([client.task(method, path), client.task(method, path)]);
  const starts = await twice('POST', '/nodes/pve1/qemu/160/status/start');
  assert.deepEqual(starts.sort(), ['OK', 'VM 160 already running']);
  await client.task('POST', '/nodes/pve1/qemu/160/status/stop');
  const deletes = await twice('DELETE', '/nodes/pve1/qemu/160');
  const gone = "Configuration file 'nodes/pve1/qemu-server/160.conf' does not exist";
  assert.deepEqual(deletes.sort(), [gone, 'OK']);
});

it('shows a clone in the making as a stranger, with its own description afterwards', async (t) => {
  const { client, cluster } = await begin(t, { durations: { qmclone: 20_000_000 } });
  cluster.plantVm({ vmid: 9000, name: 'tpl', tags: 'gold', template: true });
  const order = { newid: '881', full: '1', name: 'i-2-3-VM', description: 'mine' };
  const upid = String((await client.call('POST', '/nodes/pve1/qemu/9000/clone', order)).data);
  assert.match(upid, /:qmclone:9000:/);
  await cluster.clock.advance(500);
  const half = await client.call('GET', '/nodes/pve1/qemu/881/config');
  assert.deepEqual(
    { ...(half.data as object), digest: '' },
    { lock: 'clone', description: ' qmclone temporary file', digest: '' },
  );
  const status = (await client.call('GET', '/nodes/pve1/qemu/881/status/current')).data;
  assert.deepEqual(
    [(status as { name: string }).name, (status as { lock: string }).lock],
    ['VM 881', 'clone'],
  );
  await cluster.clock.advance(20_000_000);
  await cluster.state.tasks.find(upid)?.ended;
  const { description, tags } = (await client.call('GET', '/nodes/pve1/qemu/881/config'))
    .data as Record<string, string>;
  assert.deepEqual([description, tags], ['mine', 'gold']);
});

it('takes a cancelled clone away with its disks', async (t) => {
  const { client, cluster } = await begin(t, { durations: { qmclone: 20_000_000 } });
  cluster.plantVm({ vmid: 100 });
  const volumes = cluster.state.volumes.size;
  const upid = String(
    (await client.call('POST', '/nodes/pve1/qemu/100/clone', { newid: '121' })).data,
  );
  await cluster.clock.advance(500);
  assert.equal(cluster.state.volumes.size, volumes + 1);
  const cancelled = await client.call('DELETE', `/nodes/pve1/tasks/${encodeURIComponent(upid)}`);
  assert.deepEqual([cancelled.status, cancelled.data], [200, null]);
  assert.match(cluster.state.tasks.find(upid)?.exit ?? '', /failed: interrupted by signal$/);
  assert.equal(cluster.state.vms.has(121), false);
  assert.equal(cluster.state.volumes.size, volumes);
});

it('leaves a VM of a killed clone worker locked, and lets go of the source', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100 });
  cluster.faults.task({ type: 'qmclone', kill: true });
  const clone = await client.task('POST', '/nodes/pve1/qemu/100/clone', { newid: '121' });
  assert.equal(clone, 'unexpected status');
  assert.equal(await client.task('DELETE', '/nodes/pve1/qemu/121'), 'VM is locked (clone)');
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/100/status/start'), 'OK');
});

it('ends a reboot while the VM is still off and brings it back in a task of root', async (t) => {
  const { client, cluster } = await begin(t, { scale: 0.02 });
  cluster.plantVm({ vmid: 100, power: 'running' });
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/100/status/reboot'), 'OK');
  assert.equal(cluster.vm(100).power, 'stopped');
  await cluster.clock.advance(4000);
  assert.equal(cluster.vm(100).power, 'running');
  const last = cluster.state.tasks.all.at(-1);
  assert.deepEqual([last?.type, last?.owner], ['qmstart', 'root@pam']);
});

it('tells the cluster a new VM’s name only with the next broadcast', async (t) => {
  const { client, cluster } = await begin(t, { scale: Number.POSITIVE_INFINITY });
  await client.call('POST', '/nodes/pve1/qemu', { vmid: '121', name: 'fresh' });
  await cluster.clock.advance(1000);
  const row = async () =>
    ((await client.call('GET', '/cluster/resources', { type: 'vm' })).data as object[])[0];
  assert.deepEqual(await row(), {
    ...{ id: 'qemu/121', type: 'qemu', vmid: 121, node: 'pve1', status: 'unknown' },
  });
  await cluster.clock.advance(10_000);
  assert.equal(((await row()) as { name?: string }).name, 'fresh');
});

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

const team: Options = {
  tokens: [{ id: 'team@pve!t1', secret: 'aaaa', privsep: true }],
  roles: { Team: ['VM.Allocate', 'VM.Audit', 'VM.Config.Options', 'Pool.Audit'] },
  pools: ['team'],
  acl: [
    { path: '/pool/team', role: 'Team', who: 'team@pve' },
    { path: '/pool/team', role: 'Team', who: 'team@pve!t1' },
  ],
};

it('links clones where the template lies and refuses a storage for them', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 9000, template: true, storage: 'shared' });
  const refused = await client.call('POST', '/nodes/pve1/qemu/9000/clone', {
    ...{ newid: '100', storage: 'local-lvm' },
  });
  assert.equal(refused.reason, "parameter 'storage' not allowed for linked clones");
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/9000/clone', { newid: '100' }), 'OK');
  assert.match(
    await client.task('DELETE', '/nodes/pve1/qemu/9000'),
    /is still in use by linked cloned$/,
  );
});

it('brings the old configuration back with a snapshot, but not the description', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100, description: 'old', tags: 'old' });
  const base = '/nodes/pve1/qemu/100';
  assert.equal(await client.task('POST', `${base}/snapshot`, { snapname: 's1' }), 'OK');
  const later = { net0: 'virtio,bridge=vmbr1,tag=7', description: 'new', tags: 'new', cores: '3' };
  await client.call('PUT', `${base}/config`, later);
  assert.equal(await client.task('POST', `${base}/snapshot/s1/rollback`), 'OK');
  const { description, tags, net0, cores } = (await client.call('GET', `${base}/config`))
    .data as Record<string, string>;
  assert.deepEqual([description, tags, cores], ['new', 'old', undefined]);
  assert.match(net0 ?? '', /bridge=vmbr0$/);
});

it('hides the machines of a pool from a user with NoAccess on it and all rights on /vms', async (t) => {
  const { cluster } = await begin(t, {
    tokens: [{ id: 'builtin@pve!cs', secret: 'aaaa' }],
    pools: ['cloudstack'],
    acl: [
      { path: '/vms', role: 'PVEVMAdmin', who: 'builtin@pve' },
      { path: '/pool/cloudstack', role: 'NoAccess', who: 'builtin@pve' },
    ],
  });
  cluster.plantVm({ vmid: 100 });
  cluster.plantVm({ vmid: 10042, pool: 'cloudstack' });
  const client = clientFor(cluster, { token: 'builtin@pve!cs' });
  t.after(client.close);
  const rows = (await client.call('GET', '/nodes/pve1/qemu')).data as { vmid: number }[];
  assert.deepEqual(
    rows.map(({ vmid }) => vmid),
    [100],
  );
  const ask = { path: '/vms/10042' };
  const rights = await client.call('GET', '/access/permissions', ask);
  assert.deepEqual(rights.data, { '/vms/10042': {} });
});

it('shows a token without rights empty lists, and one in a pool its VMs alone', async (t) => {
  const { cluster } = await begin(t, team);
  cluster.plantVm({ vmid: 100 });
  cluster.plantVm({ vmid: 101, pool: 'team' });
  const client = clientFor(cluster, { token: 'team@pve!t1' });
  t.after(client.close);
  const ids = async (path: string) =>
    ((await client.call('GET', path)).data as { vmid: number }[]).map(({ vmid }) => vmid);
  assert.deepEqual(await ids('/nodes/pve1/qemu'), [101]);
  const rights = (await client.call('GET', '/access/permissions')).data as object;
  assert.deepEqual(Object.keys(rights), ['/pool/team', '/vms/101']);
  cluster.state.acl = [];
  assert.deepEqual(await ids('/nodes/pve1/qemu'), []);
  assert.deepEqual(await ids('/cluster/resources?type=vm'), []);
  const denied = await client.call('GET', '/nodes/pve1/qemu/101/config');
  assert.equal(denied.reason, 'Permission check failed (/vms/101, VM.Audit)');
});

it('hides the pool of a VM, and the pool itself, from a token without Pool.Audit', async (t) => {
  const { cluster } = await begin(t, team);
  cluster.plantVm({ vmid: 101, pool: 'team' });
  const client = clientFor(cluster, { token: 'team@pve!t1' });
  t.after(client.close);
  const pools = async (): Promise<readonly unknown[]> => {
    const rows = (await client.call('GET', '/cluster/resources')).data as Record<string, unknown>[];
    return rows.filter(({ type }) => /^(qemu|pool)$/.test(`${type}`)).map(({ pool }) => pool);
  };
  const give = (role: string): void => {
    cluster.state.acl = cluster.state.acl.map((entry) => ({ ...entry, role }));
  };
  give('PVEVMAdmin');
  assert.deepEqual(await pools(), [undefined]);
  give('PVEAuditor');
  assert.deepEqual(await pools(), ['team', 'team']);
});

it('refuses tags at create to a token that has its rights from the pool', async (t) => {
  const { cluster } = await begin(t, team);
  const client = clientFor(cluster, { token: 'team@pve!t1' });
  t.after(client.close);
  const make = (more: Record<string, string>) =>
    client.call('POST', '/nodes/pve1/qemu', { vmid: '110', pool: 'team', name: 'a', ...more });
  const tagged = await make({ tags: 'x' });
  assert.equal(tagged.reason, 'Permission check failed (/vms/110, VM.Config.Options)');
  assert.equal((await make({ description: 'mark' })).status, 200);
  await cluster.state.tasks.all.at(-1)?.ended;
  cluster.state.options.set('user-tag-access', 'user-allow=none');
  const later = await client.call('PUT', '/nodes/pve1/qemu/110/config', { tags: 'x' });
  assert.equal(later.reason, "Permission check failed (/, Sys.Modify for modifying tag 'x')");
});

it('keeps a backup’s own configuration and restores by it', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100, name: 'kept', description: 'mark: {"a":1}' });
  const order = { vmid: '100', storage: 'shared', 'notes-template': '{{guestname}}' };
  assert.equal(await client.task('POST', '/nodes/pve1/vzdump', order), 'OK');
  const [listed] = (
    await client.call('GET', '/nodes/pve1/storage/shared/content', { content: 'backup' })
  ).data as Record<string, string>[];
  const volid = listed?.['volid'] ?? '';
  assert.match(volid, /^shared:backup\/vzdump-qemu-100-.*\.vma\.zst$/);
  assert.equal(listed?.['notes'], 'kept');
  const text = (await client.call('GET', '/nodes/pve1/vzdump/extractconfig', { volume: volid }))
    .data;
  // Colons and percent signs are encoded in the file, unlike in what the API shows.
  assert.match(String(text), /^#mark%3A \{"a"%3A1\}\n/);
  await client.call('PUT', '/nodes/pve1/qemu/100/config', { name: 'changed' });
  const path = '/nodes/pve1/qemu';
  const taken = await client.call('POST', path, { vmid: '100', archive: volid });
  assert.equal(taken.reason, "unable to restore VM 100 - VM 100 already exists on node 'pve1'");
  const restore = { vmid: '100', archive: volid, force: '1' };
  assert.equal(await client.task('POST', path, restore), 'OK');
  const { name, description } = (await client.call('GET', '/nodes/pve1/qemu/100/config'))
    .data as Record<string, string>;
  assert.deepEqual([name, description], ['kept', 'mark: {"a":1}']);
});

it('carries what stands on a disk through clone, snapshot and backup', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 9000, template: true, storage: 'shared' });
  const of = (vmid: number): string => cluster.disks(vmid)[0]?.data ?? '';
  const write = (vmid: number, data: string): void =>
    void Object.assign(cluster.disks(vmid)[0] ?? {}, { data });
  write(9000, 'debian');
  await client.task('POST', '/nodes/pve1/qemu/9000/clone', { newid: '100' });
  assert.equal(of(100), 'debian');
  await client.task('POST', '/nodes/pve1/qemu/100/snapshot', { snapname: 's1' });
  write(100, 'work');
  await client.task('POST', '/nodes/pve1/vzdump', { vmid: '100', storage: 'shared' });
  await client.task('POST', '/nodes/pve1/qemu/100/snapshot/s1/rollback');
  assert.equal(of(100), 'debian');
  const archive = [...cluster.state.volumes].find(({ content }) => content === 'backup');
  const restore = { vmid: '100', archive: `shared:${archive?.name}`, force: '1' };
  await client.task('POST', '/nodes/pve1/qemu', restore);
  assert.equal(of(100), 'work');
});

it('treats start as a request and delete as forbidden for what HA manages', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100 });
  await client.call('POST', '/cluster/ha/resources', { sid: 'vm:100', state: 'stopped' });
  const refused = await client.call('DELETE', '/nodes/pve1/qemu/100');
  assert.equal(
    refused.reason,
    'unable to remove VM 100 - used in HA resources and purge parameter not set.',
  );
  assert.equal(await client.task('POST', '/nodes/pve1/qemu/100/status/start'), 'OK');
  assert.equal(cluster.vm(100).power, 'stopped');
  await cluster.clock.advance(10_000);
  assert.equal(cluster.vm(100).power, 'running');
  await client.call('PUT', '/cluster/ha/resources/vm:100', { state: 'stopped' });
  await cluster.clock.advance(12_000);
  assert.equal(await client.task('DELETE', '/nodes/pve1/qemu/100', { purge: '1' }), 'OK');
  assert.equal(cluster.state.ha.size, 0);
});

it('destroys another cluster’s disks when told to look for unreferenced ones', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100, storage: 'shared' });
  cluster.plantVm({ vmid: 101, storage: 'shared' });
  cluster.state.vms.delete(101);
  cluster.plantVm({ vmid: 101, storage: 'local-lvm' });
  const foreign = (): number => [...cluster.state.volumes].filter((v) => v.vmid === 101).length;
  assert.equal(foreign(), 2);
  await client.task('DELETE', '/nodes/pve1/qemu/101', { 'destroy-unreferenced-disks': '1' });
  assert.equal(foreign(), 0);
});

it('suspends to disk with a lock and comes back from there', async (t) => {
  const { client, cluster } = await begin(t);
  cluster.plantVm({ vmid: 100, power: 'running' });
  const base = '/nodes/pve1/qemu/100/status';
  assert.equal(await client.task('POST', `${base}/suspend`, { todisk: '1' }), 'OK');
  const { status, lock } = (await client.call('GET', `${base}/current`)).data as Record<
    string,
    string
  >;
  assert.deepEqual([status, lock], ['stopped', 'suspended']);
  assert.equal(await client.task('POST', `${base}/start`), 'OK');
  assert.equal(cluster.vm(100).config.has('lock'), false);
});

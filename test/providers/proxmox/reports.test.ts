import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { writeIndex } from '../../../src/providers/proxmox/machine/index-tag.ts';
import { installation } from '../../conformance/cloud.ts';
import { pageOptions } from './backend.ts';
import { inCluster, shown } from './scene.ts';

/** A machine of our installation, as a create leaves it. */
function plantOwn(cluster: Cluster, id: number, node = 'pve1', more: object = {}): string {
  const vmid = String(10_000 + id);
  const uuid = `8f4e2a6c-0e57-4a8b-a8d5-${id.toString(16).padStart(12, '0')}`;
  const name = `i-2-${id}-VM`;
  const mark = {
    uuid,
    name,
    installation,
    remoteId: vmid,
    state: 'built',
    origin: 'created',
  } as const;
  cluster.plantVm({
    vmid: Number(vmid),
    name,
    node,
    disk: null,
    description: writeMark(mark),
    tags: writeIndex({ vmid, uuid, home: 'pve1', installation, name }),
    power: 'running',
    ...more,
  });
  return name;
}

function report(document: Readonly<Record<string, unknown>>): Record<string, string> {
  return document['power_state'] as Record<string, string>;
}

describe('proxmox reports', { concurrency: 4 }, () => {
  it(
    'statuses reports a thousand instances with two requests and fewer than 60,000 bytes',
    inCluster(async ({ cloud, cluster }) => {
      for (let id = 1; id <= 1000; id += 1) {
        plantOwn(cluster, id, id % 2 ? 'pve1' : 'pve2', id % 5 ? {} : { power: 'stopped' });
      }
      const before = cluster.requests.length;
      const { document, text } = await cloud.ok('statuses', { host: { nodes: 'pve1,pve2' } });
      const asked = cluster.requests.slice(before).map(shown);
      assert.deepEqual(asked, ['GET /cluster/resources', 'GET /access/permissions']);
      assert.equal(Object.keys(report(document)).length, 1000);
      assert.equal(report(document)['i-2-5-VM'], 'PowerOff');
      assert.equal(report(document)['i-2-6-VM'], 'PowerOn');
      assert.ok(text.length < 60_000, `${text.length} bytes`);
    }),
  );

  it(
    'status takes two requests, wherever in the cluster the machine has moved',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).node = 'pve2';
      cluster.broadcast();
      const before = cluster.requests.length;
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      assert.deepEqual(cluster.requests.slice(before).map(shown), [
        'GET /cluster/resources',
        'GET /nodes/pve2/qemu/10042/status/current',
      ]);
    }),
  );

  it(
    'statuses names instances by their own name with its case, not by the machine’s',
    inCluster(async ({ cloud, cluster }) => {
      cloud.change({ details: { ...cloud.vm.details, 'External:vm_name': 'web1.example.org' } });
      await cloud.deploy();
      assert.equal(cluster.vm(10042).config.get('name'), 'web1.example.org');
      cluster.broadcast();
      assert.deepEqual(report((await cloud.ok('statuses')).document), { 'i-2-42-VM': 'PowerOn' });
    }),
  );

  it(
    'what it has just started as on and what it has just stopped as off, though the list lags behind',
    inCluster(async ({ cloud, cluster }) => {
      const told = (): unknown => cluster.state.broadcasts.get(10042)?.figures['status'];
      await cloud.deploy();
      cluster.broadcast();
      await cloud.ok('stop');
      assert.equal(told(), 'running');
      assert.deepEqual(report((await cloud.ok('statuses')).document), { 'i-2-42-VM': 'PowerOff' });
      cluster.broadcast();
      await cloud.ok('start');
      assert.equal(told(), 'stopped');
      assert.deepEqual(report((await cloud.ok('statuses')).document), { 'i-2-42-VM': 'PowerOn' });
    }),
  );

  it(
    'statuses finds machines without tags by their descriptions',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).config.delete('tags');
      cluster.broadcast();
      assert.deepEqual(report((await cloud.ok('statuses')).document), { 'i-2-42-VM': 'PowerOn' });
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
    }),
  );

  it(
    'statuses reports machines on a node that is down as unknown, and all others as they are',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      plantOwn(cluster, 77, 'pve2');
      await cluster.nodeDown('pve2');
      const { document } = await cloud.ok('statuses', { host: { nodes: 'pve1,pve2' } });
      assert.deepEqual(report(document), { 'i-2-42-VM': 'PowerOn', 'i-2-77-VM': 'PowerUnknown' });
      cluster.vm(10042).node = 'pve2';
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      for (const action of ['stop', 'start', 'delete']) {
        assert.equal((await cloud.call(action)).exitCode, 1, action);
      }
    }),
  );

  it(
    'statuses goes by the node’s own row, which says sooner than the machines’ that a node is down',
    inCluster(async ({ cloud, cluster }) => {
      plantOwn(cluster, 76);
      plantOwn(cluster, 77, 'pve2');
      plantOwn(cluster, 78, 'pve2', { power: 'stopped' });
      await cluster.nodeDown('pve2');
      const told = (vmid: number): unknown => cluster.state.broadcasts.get(vmid)?.figures['status'];
      assert.deepEqual([told(10_077), told(10_078)], ['running', 'stopped']);
      const both = { host: { nodes: 'pve1,pve2' } };
      const before = cluster.requests.length;
      assert.deepEqual(report((await cloud.ok('statuses', both)).document), {
        'i-2-76-VM': 'PowerOn',
        'i-2-77-VM': 'PowerUnknown',
        'i-2-78-VM': 'PowerUnknown',
      });
      assert.equal(cluster.requests.length - before, 2);
      const seen = async (): Promise<readonly unknown[]> => {
        const { document } = await cloud.ok('statuses', both);
        return ['i-2-77-VM', 'i-2-78-VM'].map((name) => report(document)[name]);
      };
      await cluster.nodeUp('pve2');
      const node = cluster.state.nodes.get('pve2');
      Object.assign(node ?? {}, { unheard: true });
      assert.deepEqual(await seen(), ['PowerUnknown', 'PowerUnknown']);
      Object.assign(node ?? {}, { unheard: false });
      assert.deepEqual(await seen(), ['PowerOn', 'PowerOff']);
    }),
  );

  it(
    'statuses fails while an unreadable machine may belong to any of the instances',
    inCluster(async ({ cloud, cluster }) => {
      cloud.change({ details: { ...cloud.vm.details, 'External:vm_name': 'web1' } });
      await cloud.deploy();
      cluster.vm(10042).config.delete('tags');
      cluster.vm(10042).node = 'pve2';
      cluster.broadcast();
      await cluster.nodeDown('pve2');
      const { exitCode, text } = await cloud.call('statuses', { host: { nodes: 'pve1,pve2' } });
      assert.equal(exitCode, 1);
      assert.match(text, /The machines 10042 cannot be read, so that no list is complete/);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
    }),
  );

  it(
    'status says PowerUnknown while the node of the machine hangs',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).node = 'pve2';
      await cluster.nodeDown('pve2', 'silent');
      const startedMs = performance.now();
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      assert.ok(performance.now() - startedMs < 5000);
    }),
  );

  it(
    'a machine with an I/O error is reported as on, and the log names the error',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).qmp = 'io-error';
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      assert.match(cloud.allOutput(), /power\.odd.*io-error/);
    }),
  );

  it(
    'statuses never names machines that are no instances',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({ vmid: 20_000, name: 'somebodys-database', power: 'running' });
      cluster.plantVm({ vmid: 300, name: 'somebodys-web', power: 'running' });
      await cloud.deploy();
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(report(document), { [cloud.vm.name]: 'PowerOn' });
    }),
  );

  it(
    'statuses fails while the rights of the token end above the machines',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { acl } = cluster.state;
      const [own] = acl;
      assert.ok(own);
      for (const rights of [
        [{ ...own, path: '/vms', propagate: false }],
        [own, { ...own, path: '/vms', role: 'NoAccess' }],
      ]) {
        acl.splice(0, 99, ...rights);
        for (const action of ['statuses', 'status']) {
          const { exitCode, text } = await cloud.call(action);
          assert.equal(exitCode, 1, action);
          assert.match(text, /does not see all machines.*It needs VM\.Audit on \/vms/);
        }
      }
    }),
  );

  it(
    'statuses fails when the cluster falls silent between the list and its nodes',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const times = Number.POSITIVE_INFINITY;
      cluster.faults.request({ path: /^\/nodes\/pve1\/qemu$/, cut: 'before', times });
      const { exitCode, document } = await cloud.call('statuses');
      assert.deepEqual([exitCode, document['power_state']], [1, undefined]);
    }),
  );

  it(
    'statuses reports machines in the pool, also with other ids and names and without any tag',
    inCluster(
      async ({ cloud, cluster, configure }) => {
        configure({ pool: 'cs' });
        const { uuid, name } = cloud.vm;
        const mark = { uuid, name, installation, remoteId: '150', origin: 'adopted' } as const;
        cluster.plantVm({
          ...{ vmid: 150, name: 'web1', pool: 'cs', power: 'running', disk: null },
          description: writeMark({ ...mark, state: 'built' }),
        });
        assert.deepEqual(report((await cloud.ok('statuses')).document), { [name]: 'PowerOn' });
      },
      { pools: ['cs'] },
    ),
  );

  it(
    'statuses fails while the token may not see which machines are in the pool, and status does not',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ pool: 'cs' });
      const { uuid, name } = cloud.vm;
      const mark = { uuid, name, installation, remoteId: '150', origin: 'adopted' } as const;
      cluster.plantVm({
        ...{ vmid: 150, name: 'web1', pool: 'cs', power: 'running', disk: null },
        description: writeMark({ ...mark, state: 'built' }),
      });
      const role = new Set(cluster.state.roles.get('CloudStack'));
      role.delete('Pool.Audit');
      cluster.state.roles.set('CloudStack', role);
      const { exitCode, text, document } = await cloud.call('statuses');
      assert.deepEqual([exitCode, document['power_state']], [1, undefined]);
      assert.match(text, /does not see which machines are in the pool.*Pool\.Audit on \/pool\/cs/);
      const stored = { details: { ...cloud.vm.details, proxmox_vmid: '150' } };
      cloud.change(stored);
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      role.add('Pool.Audit');
      const before = cluster.requests.length;
      assert.deepEqual(report((await cloud.ok('statuses')).document), { [name]: 'PowerOn' });
      assert.deepEqual(
        cluster.requests
          .slice(before)
          .map(shown)
          .filter((each) => !each.includes('/qemu')),
        ['GET /cluster/resources', 'GET /access/permissions'],
      );
    }, pageOptions()),
  );

  it(
    'statuses fails for a node of the host’s that the cluster does not have, with no further request',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const requests = async (host: Readonly<Record<string, string>>) => {
        const before = cluster.requests.length;
        const done = await cloud.call('statuses', { host });
        return { done, count: cluster.requests.length - before };
      };
      const usual = await requests({});
      assert.equal(usual.done.exitCode, 0);
      const { done, count } = await requests({ node: 'pve9', nodes: 'pve9' });
      assert.equal(done.exitCode, 1);
      assert.match(done.text, /There is no node pve9.*the nodes are pve1/);
      assert.ok(count <= usual.count, `${count} requests instead of ${usual.count}`);
    }),
  );

  it(
    'statuses neither reports nor reads templates',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({ vmid: 20_000, name: 'i-2-77-VM', template: true });
      await cloud.deploy();
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(report(document), { [cloud.vm.name]: 'PowerOn' });
      assert.ok(!cluster.requests.some(({ path }) => path.includes('/qemu/20000/')));
    }),
  );
});

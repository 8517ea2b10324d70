import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import type { Instance } from '../../../src/contract/instance.ts';
import type { RemoteMachine } from '../../../src/contract/machine.ts';
import { Failure } from '../../../src/failure.ts';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import { admin, type Details } from '../../support/payloads.ts';
import { during, inCluster, sessionOf } from './scene.ts';

async function listed(cluster: Cluster, more: Details = {}): Promise<Map<string, RemoteMachine>> {
  const machines = await (await sessionOf(cluster, more)).machines();
  return new Map(machines.map((machine) => [machine.remoteId, machine]));
}

function instanceOf({ vm }: Cloud): Instance {
  return { uuid: vm.uuid, name: vm.name, deploying: false, stored: {} };
}

async function refuses(work: Promise<void> | undefined, why: RegExp): Promise<void> {
  await assert.rejects(
    work ?? Promise.resolve(),
    (error) => error instanceof Failure && why.test(error.message),
  );
}

function marked(cluster: Cluster, vmid: number): ReturnType<typeof readMark> {
  return readMark(cluster.vm(vmid).config.get('description') ?? '');
}

describe('the list of all machines on proxmox', { concurrency: 4 }, () => {
  it(
    'says of each whose it is, what it runs with and on which VLANs',
    inCluster(async ({ cloud, cluster, changes }) => {
      await cloud.deploy();
      cluster.plantVm({
        vmid: 300,
        name: 'web',
        node: 'pve2',
        config: { net0: 'virtio,bridge=t1' },
      });
      cluster.broadcast();
      const before = changes().length;
      const machines = await listed(cluster, { vnet_map: '206=t1' });
      assert.equal(changes().length, before);
      assert.deepEqual([...machines.keys()].sort(), ['10042', '300', '9000']);
      const { mark, ...own } = machines.get('10042') as RemoteMachine;
      assert.ok(typeof mark === 'object' && mark.uuid === cloud.vm.uuid);
      assert.deepEqual(own, {
        remoteId: '10042',
        name: 'i-2-42-VM',
        power: 'on',
        template: false,
        cpus: 2,
        memoryBytes: 2 ** 30,
        nics: cloud.vm.nics.map(({ mac, vlan }) => ({
          mac,
          segment: vlan === 'untagged' ? { kind: 'untagged' } : { kind: 'vlan', id: vlan },
        })),
      });
      assert.equal(machines.get('9000')?.template, true);
      const other = machines.get('300');
      assert.deepEqual([other?.mark, other?.power], [undefined, 'off']);
      assert.equal(other?.nics?.[0]?.segment, undefined);
    }),
  );

  it(
    'remarks what stands in the way: locks that no task holds, saved memory, the tag of another',
    inCluster(async ({ cloud, cluster }) => {
      const [second, third, fourth] = [cloud.another(), cloud.another(), cloud.another()];
      for (const [at, each] of [second, third, fourth].entries()) {
        each.change({ id: 50 + at, uuid: cloud.vm.uuid.replace(/..$/, `5${at}`) });
        each.change({ name: `i-2-5${at}-VM`, details: cloud.vm.details });
        await each.deploy();
      }
      cluster.faults.task({ type: 'qmclone', kill: true });
      assert.equal((await cloud.call('create')).exitCode, 1);
      cluster.vm(10050).config.set('lock', 'backup');
      Object.assign(cluster.vm(10051), { power: 'stopped', qmp: 'stopped', pid: 0 });
      cluster.vm(10051).config.set('lock', 'suspended');
      cluster.vm(10052).config.set('tags', cluster.vm(10050).config.get('tags') ?? '');
      const machines = await listed(cluster);
      const remarks = (vmid: number): string => machines.get(String(vmid))?.remarks?.join() ?? '';
      assert.match(remarks(10042), /locked \(clone\)\. No task .*root on pve1 .*`qm unlock 10042`/);
      assert.equal(machines.get('10042')?.leftover, true);
      assert.match(remarks(10050), /locked \(backup\)\. No task/);
      assert.equal(machines.get('10050')?.leftover, undefined);
      assert.equal(remarks(10051), 'its memory is saved to disk');
      assert.equal(machines.get('10051')?.power, 'unknown');
      assert.match(remarks(10052), /another instance's/);
    }),
  );

  it(
    'says whose a machine was that has lost its mark, by its tag',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).config.set('description', 'edited');
      const { mark, remarks } = (await listed(cluster)).get('10042') ?? {};
      assert.equal(mark, undefined);
      assert.match(remarks?.join() ?? '', /^its index tag says that it is i-2-42-VM's, but/);
    }),
  );

  it(
    'has no copy for left over while a task makes one on its node',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.task({ type: 'qmclone', never: true });
      const create = cloud.call('create', { timeoutSeconds: 6 });
      await during(create, () => cluster.state.vms.has(10042));
      const { mark, leftover, remarks } = (await listed(cluster)).get('10042') ?? {};
      assert.deepEqual([mark, leftover, remarks], [undefined, undefined, undefined]);
      await create;
    }),
  );

  it(
    'says nothing of a lock that a running task holds',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.faults.task({ type: 'qmsnapshot', never: true });
      const snapshot = cloud.custom(
        'CreateSnapshot',
        { snap_name: 'snap1' },
        { timeoutSeconds: 4 },
      );
      await during(snapshot, () => cluster.vm(10042).config.get('lock') === 'snapshot');
      assert.equal((await listed(cluster)).get('10042')?.remarks, undefined);
      await snapshot;
    }),
  );

  it(
    'has machines on a node that is down as unknown, and by their tags whose they are',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).node = 'pve2';
      cluster.broadcast();
      await cluster.nodeDown('pve2');
      const machine = (await listed(cluster)).get('10042');
      assert.ok(typeof machine?.mark === 'object' && machine.mark.uuid === cloud.vm.uuid);
      assert.equal(machine.power, 'unknown');
      assert.deepEqual(machine.remarks, ['it cannot be read on node pve2']);
    }),
  );
});

describe('adopt on proxmox', { concurrency: 4 }, () => {
  it(
    'adopts a machine of any name, whose words and tags stay, and delete releases it',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({
        ...{ vmid: 150, name: 'web1', power: 'running', storage: 'shared' },
        ...{ description: 'Our web server', tags: 'prod' },
      });
      await (await sessionOf(cluster)).adopt('150', instanceOf(cloud));
      const mark = marked(cluster, 150);
      assert.ok(typeof mark === 'object' && mark.origin === 'adopted');
      assert.match(cluster.vm(150).config.get('description') ?? '', /^Our web server/);
      assert.match(cluster.vm(150).config.get('tags') ?? '', /^or1\S*;prod$/);
      const { document } = await cloud.ok('statuses');
      assert.deepEqual(document['power_state'], { 'i-2-42-VM': 'PowerOn' });
      await cloud.ok('stop');
      await cloud.ok('start');
      await cloud.ok('delete');
      assert.equal(cluster.vm(150).config.get('description'), 'Our web server');
      assert.equal(cluster.vm(150).config.get('tags'), 'prod');
      assert.equal(cluster.vm(150).power, 'stopped');
    }),
  );

  it(
    'leaves a machine alone that a person changed at the same moment',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({ vmid: 150, name: 'web1', description: 'before' });
      cluster.faults.request({
        ...{ method: 'PUT', path: '/qemu/150/config' },
        before: () => void cluster.vm(150).config.set('description', 'after'),
      });
      const session = await sessionOf(cluster);
      await refuses(
        session.adopt('150', instanceOf(cloud)),
        /Machine 150 was changed while i-2-42-VM was marked on it/,
      );
      assert.equal(cluster.vm(150).config.get('description'), 'after');
    }),
  );

  it(
    'refuses a machine that no report would find again, as tags may not be written',
    inCluster(async ({ cloud, cluster }) => {
      cluster.state.options.set('user-tag-access', 'user-allow=none');
      cluster.plantVm({ vmid: 150, name: 'web1', description: 'before' });
      cluster.plantVm({ vmid: 151, name: 'i-2-42-VM' });
      const session = await sessionOf(cluster);
      await refuses(session.adopt('150', instanceOf(cloud)), /its tags may not be written/);
      assert.equal(cluster.vm(150).config.get('description'), 'before');
      await session.adopt('151', instanceOf(cloud));
      assert.ok(typeof marked(cluster, 151) === 'object');
    }),
  );

  for (const power of ['off', 'saved'] as const) {
    it(
      `is undone by delete for a machine that is ${power}, or delete says what is in the way`,
      inCluster(async ({ cloud, cluster, backend }) => {
        cluster.plantVm({ vmid: 150, name: 'web1', storage: 'shared', description: 'Ours' });
        await (await sessionOf(cluster)).adopt('150', instanceOf(cloud));
        cloud.change({ details: { ...cloud.vm.details, proxmox_vmid: '150' } });
        if (power === 'saved') await backend.setPower?.('150', 'saved');
        const { exitCode } = await cloud.call('delete', { caller: admin });
        assert.equal(exitCode, power === 'saved' ? 1 : 0);
        assert.ok(cluster.state.vms.has(150));
        if (power === 'off') assert.equal(cluster.vm(150).config.get('description'), 'Ours');
        else assert.match(cloud.allOutput(), /memory is saved to disk: start it, or delete it/);
      }),
    );
  }

  it(
    'is not undone by a person who takes away the tag that alone tells the machine in a list',
    inCluster(async ({ cloud, cluster }) => {
      cluster.plantVm({ vmid: 150, name: 'web1', power: 'running', storage: 'shared' });
      await (await sessionOf(cluster)).adopt('150', instanceOf(cloud));
      const told = async (): Promise<unknown> =>
        (await cloud.ok('statuses')).document['power_state'];
      assert.deepEqual(await told(), { 'i-2-42-VM': 'PowerOn' });
      const tags = cluster.vm(150).config.get('tags');
      cluster.vm(150).config.delete('tags');
      cluster.broadcast();
      assert.deepEqual(await told(), { 'i-2-42-VM': 'PowerOn' });
      assert.deepEqual(await told(), { 'i-2-42-VM': 'PowerOn' });
      cloud.change({ details: { ...cloud.vm.details, proxmox_vmid: '150' } });
      await cloud.ok('stop');
      await cloud.ok('start');
      assert.equal(cluster.vm(150).config.get('tags'), tags);
    }),
  );

  it(
    'is not undone by a node that is down while nothing else tells the machine',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ nodes: 'pve1,pve2' });
      const node = 'pve2';
      cluster.plantVm({ vmid: 150, name: 'web1', node, power: 'running', storage: 'shared' });
      await (await sessionOf(cluster)).adopt('150', instanceOf(cloud));
      const running = { 'i-2-42-VM': 'PowerOn' };
      assert.deepEqual((await cloud.ok('statuses')).document['power_state'], running);
      cluster.vm(150).config.delete('tags');
      cluster.broadcast();
      await cluster.nodeDown(node);
      const { exitCode, text } = await cloud.call('statuses');
      assert.equal(exitCode, 1);
      assert.match(text, /The machines 150 cannot be read/);
      await cluster.nodeUp(node);
      assert.deepEqual((await cloud.ok('statuses')).document['power_state'], running);
    }),
  );

  it(
    'gives an index back that a person took away, at the next start',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const tags = cluster.vm(10042).config.get('tags');
      await cloud.ok('stop');
      cluster.vm(10042).config.set('tags', 'terraform');
      await cloud.ok('start');
      assert.equal(cluster.vm(10042).config.get('tags'), `${tags};terraform`);
    }),
  );
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from '../../../fakes/pve/index.ts';
import { printConfig } from '../../../fakes/pve/machines.ts';
import { readMark } from '../../../src/lifecycle/mark.ts';
import type { Cloud } from '../../conformance/cloud.ts';
import type { Details, Vm as Instance } from '../../support/payloads.ts';
import { leftOut } from '../../support/thorough.ts';
import { detailsFor, secret, startCluster } from './backend.ts';
import { buildFile, type Server, startServer } from './process.ts';
import { inCluster } from './scene.ts';

let server: Server;

function instance(id: number): Instance {
  const hex = id.toString(16).padStart(12, '0');
  return {
    id,
    uuid: `8f4e2a6c-0e57-4a8b-a8d5-${hex}`,
    name: `i-2-${id}-VM`,
    cpus: 1,
    memoryMb: 128,
    nics: [
      { deviceId: 0, uuid: `0b6a2f0e-9a54-4d4e-8df2-${hex}`, mac: '02:01:00:cd:00:01', vlan: 100 },
    ],
    details: { 'External:template_id': '9000' },
  };
}

async function prepare(vm: Instance, host: Details): Promise<Instance> {
  const { code, text, document } = await server.end(server.begin('prepare', vm, host));
  assert.equal(code, 0, text);
  return { ...vm, details: { ...vm.details, ...(document['details'] as Details) } };
}

function foreign(cluster: Cluster, vmids: readonly number[]): () => readonly string[] {
  for (const vmid of vmids) {
    cluster.plantVm({ vmid, name: `foreign-${vmid}`, storage: 'shared', power: 'running' });
  }
  return () =>
    vmids.map((vmid) => `${cluster.vm(vmid).power} ${printConfig(cluster.vm(vmid).config)}`);
}

/** Set for all combinations, which takes minutes. */
const thorough = leftOut === undefined;

interface Death {
  readonly path: RegExp;
  readonly skip: number;
}

/** Each request of a create but for the looks at its tasks, and a few of these. */
const deaths: readonly Death[] = [
  ...Array.from({ length: 9 }, (_, skip) => ({ path: /^(?!.*\/tasks\/)/, skip })),
  ...[0, 1, 3, 5].map((skip) => ({ path: /\/tasks\/.*\/status$/, skip })),
];

describe('proxmox as processes', () => {
  before(() => {
    buildFile();
    server = startServer();
  });
  after(() => server.remove());

  it('makes 50 instances through 4 processes at a time: 50 machines, 50 ids, nothing else touched', async (t) => {
    const cluster = await startCluster({ durations: { linkedclone: 60, qmstart: 40 } });
    t.after(cluster.close);
    // Two of the ids that they will want are taken by others.
    const others = foreign(cluster, [10_003, 10_017, 150]);
    const untouched = others();
    const waiting = Array.from({ length: 50 }, (_, at) => instance(at + 1));
    const host = detailsFor(cluster);
    const worker = async (): Promise<void> => {
      for (let vm = waiting.shift(); vm !== undefined; vm = waiting.shift()) {
        // A create has to work with prepare and without.
        const prepared = vm.id % 5 === 0 ? await prepare(vm, host) : vm;
        const made = await server.end(server.begin('create', prepared, host));
        assert.equal(made.code, 0, made.text);
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    const own = [...cluster.state.vms.values()].flatMap((vm) => {
      const mark = readMark(vm.config.get('description') ?? '');
      return typeof mark === 'object' ? [{ vm, mark }] : [];
    });
    assert.equal(own.length, 50);
    assert.equal(new Set(own.map(({ mark }) => mark.uuid)).size, 50);
    assert.ok(
      own.every(({ vm, mark }) => mark.remoteId === String(vm.vmid) && mark.state === 'built'),
    );
    assert.ok(own.every(({ vm }) => vm.power === 'running'));
    assert.equal(cluster.state.vms.size, 50 + 3 + 1);
    // One connection for each process, and one more after each answer that Proxmox VE hangs up behind.
    const hungUp = cluster.requests.filter(({ status = 0 }) => status >= 400).length;
    const processes = 50 + 10;
    assert.ok(cluster.connections() <= processes + hungUp, `${cluster.connections()} connections`);
    assert.deepEqual(others(), untouched);
  });

  it('makes one machine when many processes make the same instance at once', async (t) => {
    const cluster = await startCluster({ durations: { linkedclone: 150 } });
    t.after(cluster.close);
    const host = detailsFor(cluster);
    const ended = await Promise.all(
      Array.from({ length: 4 }, () => server.end(server.begin('create', instance(7), host))),
    );
    for (const { code, text } of ended) assert.equal(code, 0, text);
    assert.deepEqual([...cluster.state.vms.keys()].sort(), [10_007, 9000]);
    assert.equal(cluster.vm(10_007).power, 'running');
  });

  it('keeps the secret out of the arguments and the environment of its process', async (t) => {
    const cluster = await startCluster({ durations: { linkedclone: 400 } });
    t.after(cluster.close);
    const child = server.begin('create', instance(8), detailsFor(cluster));
    const ended = server.end(child);
    let seen = '';
    cluster.faults.request({
      path: '/clone',
      before: () => {
        seen = execFileSync('ps', ['eww', '-o', 'args', '-p', String(child.pid)], {
          encoding: 'utf8',
        });
      },
    });
    assert.equal((await ended).code, 0);
    assert.match(seen, /create/);
    assert.ok(!seen.includes(secret));
  });

  it('takes back what it made when it is told to end, and answers', async (t) => {
    const cluster = await startCluster({ durations: { linkedclone: 20_000 } });
    t.after(cluster.close);
    const child = server.begin('create', instance(9), detailsFor(cluster));
    const ended = server.end(child);
    cluster.faults.request({ path: '/tasks/', after: () => void child.kill('SIGTERM') });
    const { code, document } = await ended;
    assert.equal(code, 1);
    assert.match(String(document['error']), /SIGTERM while copying template 9000/);
    assert.deepEqual([...cluster.state.vms.keys()], [9000]);
  });

  it('takes back a machine whose start is under way when it is told to end', async (t) => {
    const cluster = await startCluster({ durations: { qmstart: 20_000 } });
    t.after(cluster.close);
    const child = server.begin('create', instance(11), detailsFor(cluster));
    const ended = server.end(child);
    cluster.faults.request({ path: /qmstart.*status$/, after: () => void child.kill('SIGTERM') });
    const { code, document } = await ended;
    assert.equal(code, 1);
    assert.match(String(document['error']), /SIGTERM while machine 10011 was starting/);
    assert.deepEqual([...cluster.state.vms.keys()], [9000]);
    assert.deepEqual(cluster.state.tasks.running(), []);
  });

  for (const moment of ['before', 'after'] as const) {
    it(
      `a create that is killed ${moment} any of its requests is served never leads to two machines`,
      inCluster(
        async ({ cloud, cluster }) => {
          const others = foreign(cluster, [300, 301]);
          const untouched = others();
          let current: Cloud = cloud;
          for (const death of deaths) {
            // Of each two deaths at one request one is followed by a stop.
            const turns = thorough
              ? [true, false]
              : [(death.skip % 2 === 0) === (moment === 'before')];
            for (const stops of turns) {
              await killedAt(cluster, current, death, moment);
              await goesOn(cluster, current, stops, `${death.path} ${death.skip}`);
              current = current.another();
            }
          }
          assert.deepEqual(others(), untouched);
        },
        { durations: { linkedclone: 60, resize: 40, qmstart: 40 } },
      ),
    );
  }
});

async function killedAt(
  cluster: Cluster,
  { vm }: Cloud,
  death: Death,
  moment: 'before' | 'after',
): Promise<void> {
  const child = server.begin('create', vm, detailsFor(cluster));
  const exited = once(child, 'exit');
  let killed = false;
  const kill = async (): Promise<void> => {
    killed = child.kill('SIGKILL');
    await exited;
  };
  cluster.faults.request(
    moment === 'before' ? { ...death, before: kill, cut: 'before' } : { ...death, after: kill },
  );
  await exited;
  cluster.faults.clear();
  assert.ok(killed, `the create never came to ${death.path} ${death.skip}`);
}

/** Plays the next call of CloudStack; in the end there is one machine, whole and running. */
async function goesOn(
  cluster: Cluster,
  cloud: Cloud,
  stops: boolean,
  where: string,
): Promise<void> {
  if (stops) {
    await cloud.ok('stop', { state: 'Starting', deploying: true });
    const left = ownOf(cluster, cloud);
    assert.ok(left.length <= 1, where);
    assert.ok(
      left.every((vm) => vm.power === 'stopped' && !vm.config.has('lock')),
      where,
    );
  }
  await cloud.ok('create');
  const machine = await cloud.machine();
  assert.equal(machine.power, 'on', where);
  const vmid = Number(machine.remoteId);
  const disks = [...cluster.state.volumes].filter((volume) => volume.vmid === vmid);
  assert.equal(disks.length, 1, where);
  const locked = [...cluster.state.vms.values()].filter((vm) => vm.config.has('lock'));
  assert.deepEqual(locked, [], where);
}

function ownOf(cluster: Cluster, { vm: { uuid } }: Cloud) {
  return [...cluster.state.vms.values()].filter((vm) =>
    vm.config.get('description')?.includes(uuid),
  );
}

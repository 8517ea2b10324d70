import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientFor } from '../../../fakes/pve/client.ts';
import type { Options } from '../../../fakes/pve/index.ts';
import { admin } from '../../support/payloads.ts';
import { user } from './backend.ts';
import { type ClusterScene, inCluster, shown } from './scene.ts';

/** Sends the requests of a call that was killed before it could see the end. */
function asker({ cluster }: ClusterScene, t: TestContext, token = `${user}!cs`) {
  const client = clientFor(cluster, { token });
  t.after(() => client.close());
  const path = '/nodes/pve1/qemu/10042/status';
  return {
    begin: (word: string) => client.call('POST', `${path}/${word}`),
    finish: (word: string) => client.task('POST', `${path}/${word}`),
  };
}

function exitsOf({ cluster }: ClusterScene, type: string): readonly (string | undefined)[] {
  return cluster.state.tasks.all.filter((task) => task.type === type).map(({ exit }) => exit);
}

/** A deployed instance whose start is not of this second any more. */
function deployed(
  play: (scene: ClusterScene, t: TestContext) => Promise<void>,
  options: Options = {},
): (t: TestContext) => Promise<void> {
  return inCluster(async (scene, t) => {
    await scene.cloud.deploy();
    await scene.cluster.clock.advance(5000);
    await play(scene, t);
  }, options);
}

describe('proxmox and machines that are about to come back', { concurrency: 4 }, () => {
  for (const [whose, token] of [
    ['of a call that was killed', `${user}!cs`],
    ['by an administrator', 'root@pam!test'],
  ] as const) {
    it(
      `a stop between the two halves of a reboot ${whose} ends with the machine off for good`,
      deployed(async (scene, t) => {
        const { cloud, cluster } = scene;
        cluster.state.durations['bringback'] = 500;
        await asker(scene, t, token).finish('reboot');
        assert.equal(cluster.vm(10042).power, 'stopped');
        await cloud.ok('stop');
        assert.deepEqual(exitsOf(scene, 'qmstart'), ['OK', 'OK'], 'the node had started it');
        assert.equal(cluster.vm(10042).power, 'stopped');
        await cluster.clock.advance(60_000);
        assert.equal(cluster.vm(10042).power, 'stopped');
      }),
    );
  }

  it(
    'a stop breaks off the reboot whose guest has not gone yet',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      cluster.vm(10042).guest.shutdownMs = 60_000;
      await asker(scene, t).begin('reboot');
      await cloud.ok('stop', { state: 'Running', timeoutSeconds: 15 });
      assert.deepEqual(exitsOf(scene, 'qmreboot'), ['received interrupt']);
      await cluster.clock.advance(90_000);
      assert.equal(cluster.vm(10042).power, 'stopped');
      assert.deepEqual(exitsOf(scene, 'qmstart'), ['OK'], 'the node has not started it again');
    }),
  );

  it(
    'a stop breaks off the reboot that sees its guest gone in this moment',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      Object.assign(cluster.state.durations, { notice: 30_000 });
      await asker(scene, t).begin('reboot');
      while (cluster.vm(10042).power === 'running') await sleep(10);
      await cloud.ok('stop', { timeoutSeconds: 15 });
      assert.deepEqual(exitsOf(scene, 'qmreboot'), ['received interrupt']);
      await cluster.clock.advance(90_000);
      assert.equal(cluster.vm(10042).power, 'stopped');
    }),
  );

  it(
    'a machine whose reboot was killed on its node stays off after a stop',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      cluster.state.durations['bringback'] = 300;
      cluster.vm(10042).guest.shutdownMs = 100;
      cluster.faults.task({ type: 'qmreboot', kill: true });
      await asker(scene, t).finish('reboot');
      assert.equal(cluster.vm(10042).power, 'running');
      await cloud.ok('stop', { state: 'Running' });
      await cluster.clock.advance(60_000);
      assert.equal(cluster.vm(10042).power, 'stopped');
      assert.deepEqual(exitsOf(scene, 'qmstart'), ['OK', 'OK']);
    }),
  );

  it(
    'a stop waits for a start that is under way, and cuts the power then',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      await cloud.ok('stop');
      cluster.state.durations['qmstart'] = 1000;
      await asker(scene, t).begin('start');
      await cloud.ok('stop');
      assert.deepEqual(exitsOf(scene, 'qmstart'), ['OK', 'OK']);
      assert.equal(cluster.vm(10042).power, 'stopped');
    }),
  );

  it(
    'a stop is not reported while a start may still end after its time',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      await cloud.ok('stop');
      cluster.faults.task({ type: 'qmstart', never: true });
      await asker(scene, t).begin('start');
      const { exitCode, text } = await cloud.call('stop', { timeoutSeconds: 6, caller: admin });
      assert.equal(exitCode, 1);
      assert.match(text, /machine 10042 was about to be switched on again/);
    }),
  );

  it(
    'a machine that HA would switch on again is off with its wish as well',
    deployed(async (scene) => {
      const { cloud, cluster } = scene;
      cluster.state.ha.set('vm:10042', { state: 'started' });
      Object.assign(cluster.vm(10042), { power: 'stopped', qmp: 'stopped', pid: 0 });
      await cloud.ok('stop');
      assert.equal(cluster.state.ha.get('vm:10042')?.state, 'stopped');
    }),
  );

  it(
    'an adopted machine is released switched off although its reboot was under way',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      const { config } = cluster.vm(10042);
      config.set('description', (config.get('description') ?? '').replace('created', 'adopted'));
      cluster.state.durations['bringback'] = 300;
      await asker(scene, t).finish('reboot');
      await cloud.ok('delete');
      await cluster.clock.advance(60_000);
      assert.equal(cluster.state.vms.get(10042)?.power, 'stopped');
    }),
  );

  it(
    'a reinstalled instance runs when it was in the middle of a reboot',
    deployed(async (scene, t) => {
      const { cloud, cluster } = scene;
      cluster.state.durations['bringback'] = 3000;
      await asker(scene, t).finish('reboot');
      await cloud.okCustom('Reinstall', { confirm: cloud.vm.name }, { caller: admin });
      assert.equal(cluster.vm(10042).power, 'running');
    }),
  );
});

describe('proxmox and ordinary stops', { concurrency: 4 }, () => {
  it(
    'a stop asks once for the tasks under way, and a status never does',
    deployed(async ({ cloud, cluster }) => {
      const looks = (): number =>
        cluster.requests.filter((request) => shown(request) === 'GET /nodes/pve1/tasks').length;
      const before = looks();
      await cloud.ok('status');
      assert.equal(looks(), before);
      for (const at of [1, 2]) {
        await cloud.ok('stop');
        assert.equal(looks(), before + at);
      }
    }),
  );

  it(
    'a stop looks for tasks before it looks at the machine, and asks for nothing twice',
    deployed(async ({ cloud, cluster }) => {
      const before = cluster.requests.length;
      await cloud.ok('stop', { state: 'Running' });
      const asked = cluster.requests.slice(before).map(shown);
      assert.deepEqual(
        asked.filter((line) => !line.includes('/tasks/UPID')),
        [
          'GET /cluster/resources',
          'GET /nodes/pve1/qemu/10042/config',
          'GET /nodes/pve1/tasks',
          'GET /nodes/pve1/qemu/10042/status/current',
          'POST /nodes/pve1/qemu/10042/status/stop',
          'GET /nodes/pve1/qemu/10042/status/current',
        ],
      );
    }),
  );

  it(
    'a stop cuts the power of servers that cannot overrule a shutdown, and takes no other refusal for that',
    deployed(async ({ cloud, cluster }) => {
      const sent = () => cluster.requests.filter(({ path }) => path.endsWith('/status/stop'));
      const refuse = (errors: Readonly<Record<string, string>>): void => {
        const body = JSON.stringify({ data: null, errors });
        const answer = { status: 400, reason: 'Parameter verification failed.', body };
        cluster.faults.request({ method: 'POST', path: '/status/stop', answer });
      };
      refuse({ skiplock: 'only root may use this option' });
      assert.equal((await cloud.call('stop', { state: 'Running' })).exitCode, 1);
      assert.equal(sent().length, 1);
      refuse({ 'overrule-shutdown': 'property is not defined in schema' });
      await cloud.ok('stop', { state: 'Running' });
      assert.equal(sent().length, 3);
      assert.deepEqual(sent().at(-1)?.params, {});
      assert.equal(cluster.vm(10042).power, 'stopped');
    }),
  );

  it(
    'a stop or delete follows a machine that moves to another node in this moment',
    deployed(async ({ cloud, cluster }) => {
      const moves = (method: string, path: string, node: string): void => {
        const before = (): void => void Object.assign(cluster.vm(10042), { node });
        cluster.faults.request({ method, path, before });
      };
      moves('POST', '/status/stop', 'pve2');
      await cloud.ok('stop', { state: 'Running' });
      assert.deepEqual([cluster.vm(10042).node, cluster.vm(10042).power], ['pve2', 'stopped']);
      await cloud.ok('start');
      moves('POST', '/status/shutdown', 'pve1');
      await cloud.ok('stop', { state: 'Stopping' });
      assert.deepEqual([cluster.vm(10042).node, cluster.vm(10042).power], ['pve1', 'stopped']);
      moves('DELETE', '/qemu/10042', 'pve2');
      await cloud.ok('delete');
      assert.equal(cluster.state.vms.has(10042), false);
    }),
  );

  it(
    'a machine that is never where the list has it is in doubt and not missing',
    deployed(async ({ cloud, cluster }) => {
      cluster.vm(10042).config.delete('tags');
      cluster.broadcast();
      const reason = "Configuration file 'nodes/pve1/qemu-server/10042.conf' does not exist";
      const answer = { status: 500, reason, body: '' };
      const times = Number.POSITIVE_INFINITY;
      cluster.faults.request({ method: 'GET', path: '/qemu/10042/config', answer, times });
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerUnknown');
      for (const action of ['stop', 'delete']) {
        const { exitCode, text } = await cloud.call(action, { caller: admin });
        assert.equal(exitCode, 1, action);
        assert.match(text, /Refused to touch i-2-42-VM: 10042 carries a mark that cannot be read/);
      }
      assert.equal(cluster.vm(10042).power, 'running');
    }),
  );

  it(
    'a stop and a delete succeed when a person removes the machine in this moment',
    deployed(async ({ cloud, cluster }) => {
      const before = (): void => void cluster.state.vms.delete(10042);
      const stop = cluster.faults.request({ method: 'POST', path: '/status/stop', before });
      await cloud.ok('stop', { state: 'Running' });
      await cloud.deploy();
      const remove = cluster.faults.request({ method: 'DELETE', path: '/qemu/10042', before });
      await cloud.ok('delete');
      assert.deepEqual([stop.hits, remove.hits], [1, 1]);
    }),
  );

  it(
    'a reboot that another task keeps from asking the guest does not reset it',
    deployed(async ({ cloud, cluster, changes }) => {
      const fail = "can't lock file '/var/lock/qemu-server/lock-10042.conf' - got timeout";
      cluster.faults.task({ type: 'qmreboot', fail, times: 3 });
      const { exitCode, text } = await cloud.call('reboot');
      assert.equal(exitCode, 1);
      assert.match(text, /is busy/);
      assert.ok(!changes().some((one) => one.endsWith('/reset')));
    }),
  );

  it(
    'a stop asks the guest that runs, and not the one that is paused',
    deployed(async ({ cloud, cluster, changes }) => {
      const asked = (): number => changes().filter((one) => one.endsWith('/shutdown')).length;
      cluster.vm(10042).qmp = 'paused';
      await cloud.ok('stop', { state: 'Stopping' });
      assert.deepEqual([asked(), cluster.vm(10042).power], [0, 'stopped']);
      await cloud.ok('start');
      await cloud.ok('stop', { state: 'Stopping' });
      assert.deepEqual([asked(), cluster.vm(10042).power], [1, 'stopped']);
    }),
  );

  it(
    'a stop right after a reboot that has ended does not wait for another return',
    deployed(
      async ({ cloud, cluster }) => {
        await cloud.ok('reboot');
        const began = performance.now();
        await cloud.ok('stop', { state: 'Running' });
        await cloud.ok('stop');
        assert.ok(performance.now() - began < 10_000);
        assert.equal(cluster.vm(10042).power, 'stopped');
      },
      { durations: { bringback: 1100 } },
    ),
  );

  it(
    'a stop after a reboot does not wait for a return that the token cannot see',
    deployed(
      async ({ cloud, cluster }) => {
        const { roles } = cluster.state;
        const role = [...(roles.get('CloudStack') ?? [])].filter((name) => name !== 'Sys.Audit');
        roles.set('CloudStack', new Set(role));
        await cloud.ok('reboot');
        const began = performance.now();
        await cloud.ok('stop', { state: 'Running' });
        assert.ok(performance.now() - began < 10_000);
        assert.equal(cluster.vm(10042).power, 'stopped');
      },
      { durations: { bringback: 1100 } },
    ),
  );
});

describe('proxmox and a start that cannot see the machine run', () => {
  for (const [whose, power] of [
    ['ours', 'stopped'],
    ['of another call that was faster', 'running'],
  ] as const) {
    it(
      `leaves it ${power === 'running' ? 'on' : 'off'} when the start was ${whose}`,
      deployed(async ({ cloud, cluster }) => {
        await cloud.ok('stop');
        const before = (): void => {
          const answer = { status: 500, reason: 'no such thing', body: '' };
          cluster.faults.request({ method: 'GET', path: '/status/current', answer });
          if (whose === 'ours') return;
          Object.assign(cluster.vm(10042), { power: 'running', qmp: 'running', pid: 4242 });
          cluster.faults.task({ type: 'qmstart', fail: 'VM 10042 already running' });
        };
        cluster.faults.request({ method: 'POST', path: '/status/start', before });
        const { exitCode, text } = await cloud.call('start');
        assert.equal(exitCode, 1);
        assert.match(text, /no such thing/);
        assert.equal(cluster.vm(10042).power, power);
      }),
    );
  }
});

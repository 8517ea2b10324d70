import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault } from '../../../fakes/pve/faults.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { installation } from '../../conformance/cloud.ts';
import { admin } from '../../support/payloads.ts';
import { during, inCluster, shown } from './scene.ts';

const html = '<html><head><title>Oops</title></head><body>'.padEnd(5000, 'x');
/** A cluster whose seconds are hundredths of ours. */
const fast = { scale: 0.01 };
const always = Number.POSITIVE_INFINITY;

describe('proxmox in trouble', { concurrency: 4 }, () => {
  for (const [status, kind] of [
    [500, 'create'],
    [500, 'status'],
    [595, 'status'],
    [401, 'status'],
  ] as const) {
    it(
      `fails shortly when ${kind} meets a ${status} with a page of HTML, and touches nothing`,
      inCluster(async ({ cloud, cluster, changes }) => {
        const answer = { status, reason: 'Broken', body: html };
        const planted = cluster.faults.request({ answer, times: always });
        const { exitCode, text, document } = await cloud.call(kind);
        assert.deepEqual([exitCode, planted.hits], [1, 1]);
        assert.equal(document['power_state'], undefined);
        assert.ok(text.length < 600, text);
        assert.deepEqual(changes(), []);
      }),
    );
  }

  for (const action of ['prepare', 'create', 'start', 'stop', 'delete', 'status', 'statuses']) {
    it(
      `fails in one clear sentence when no server listens, and ${action} says nothing of the power`,
      inCluster(async ({ cloud, cluster }) => {
        await cluster.nodeDown('pve1');
        const { exitCode, text, document } = await cloud.call(action, { caller: admin });
        assert.equal(exitCode, 1);
        assert.equal(document['power_state'], undefined);
        assert.match(text, /refused the connection/);
      }),
    );
  }

  it(
    'fails for an answer that is no JSON, and says how it begins',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({ answer: { status: 200, body: html }, times: always });
      const { exitCode, text } = await cloud.call('status');
      assert.equal(exitCode, 1);
      assert.match(text, /no JSON but .*<html>/);
      for (const body of ['{}', 'null', '"data"']) {
        cluster.faults.clear();
        cluster.faults.request({ answer: { status: 200, body }, times: always });
        assert.match((await cloud.call('statuses')).text, /answered without data/);
      }
    }),
  );

  it(
    'asks again when a read meets one 503',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      for (const path of ['/cluster/resources', '/status/current']) {
        cluster.faults.request({ path, answer: { status: 503, body: html } });
      }
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      const planted = cluster.faults.request({
        answer: { status: 503, body: html },
        times: always,
      });
      const startedMs = performance.now();
      assert.equal((await cloud.call('statuses')).exitCode, 1);
      assert.equal(planted.hits, 4, 'and not for ever');
      assert.ok(performance.now() - startedMs >= 1300, 'with growing pauses');
    }),
  );

  it(
    'goes on when one look at a task meets a 502',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({ path: '/tasks/', answer: { status: 502, body: html } });
      await cloud.ok('create');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  it(
    'begins a task again when no worker was to be had',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.loseWorker('qmclone');
      await cloud.ok('create');
      assert.equal((await cloud.machine()).power, 'on');
    }),
  );

  for (const path of ['/clone', '/resize', '/config', '/status/start']) {
    const cases: readonly (readonly [string, Fault])[] = [
      ['is refused with a 500', { answer: { status: 500, reason: 'no such thing', body: '' } }],
      ['breaks off before it was served', { cut: 'before' }],
      ['breaks off after it was served', { cut: 'after' }],
      ['is served behind a 502', { answer: { status: 502, body: html }, processed: true }],
    ];
    for (const [how, fault] of cases) {
      const served = fault.cut === 'after' || fault.processed === true;
      if (served && path !== '/clone') {
        it(
          `looks when ${path} of a create ${how}, and goes on`,
          inCluster(
            async ({ cloud, cluster }) => {
              const method = /resize|config/.test(path) ? 'PUT' : 'POST';
              const planted = cluster.faults.request({ method, path, times: always, ...fault });
              await cloud.ok('create');
              assert.equal(planted.hits, path === '/config' ? 2 : 1, 'nothing is sent twice');
              const made = await cloud.machine();
              assert.deepEqual([made.remoteId, made.power], ['10042', 'on']);
              assert.match(made.mark, /"state":"built"/);
            },
            { durations: { linkedclone: 30 } },
          ),
        );
        continue;
      }
      it(
        `leaves nothing behind when ${path} of a create ${how}`,
        inCluster(
          async ({ cloud, cluster, backend }) => {
            const before = await backend.machines();
            const method = /resize|config/.test(path) ? 'PUT' : 'POST';
            const planted = cluster.faults.request({ method, path, times: always, ...fault });
            const { exitCode, text } = await cloud.call('create');
            assert.equal(exitCode, 1);
            if (path !== '/config') assert.equal(planted.hits, 1, 'nothing is sent twice');
            assert.deepEqual(await backend.machines(), before, text);
            cluster.faults.clear();
            await cloud.ok('create');
            assert.equal((await cloud.machine()).remoteId, '10042');
          },
          { durations: { linkedclone: 30 } },
        ),
      );
    }
  }

  it(
    'removes what a request makes that was taken up only after it had broken off',
    inCluster(async ({ cloud, cluster, backend }) => {
      const before = await backend.machines();
      const { uuid, name } = cloud.vm;
      const description = writeMark({
        ...{ uuid, name, installation, remoteId: '10042' },
        ...{ state: 'building', origin: 'created' },
      });
      cluster.faults.request({
        ...{ method: 'POST', path: '/clone', cut: 'before' },
        before: () => {
          const late = { vmid: 10042, name: 'i-2-42-VM', description, storage: 'shared' };
          setTimeout(() => cluster.plantVm(late), 100);
        },
      });
      assert.equal((await cloud.call('create')).exitCode, 1);
      assert.deepEqual(await backend.machines(), before);
    }),
  );

  it(
    'removes an unfinished machine although its template is protected',
    inCluster(async ({ cloud, cluster, backend }) => {
      cluster.vm(9000).config.set('protection', '1');
      const before = await backend.machines();
      const answer = { status: 500, reason: 'no such thing', body: '' };
      cluster.faults.request({ method: 'PUT', path: '/resize', answer });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.deepEqual(await backend.machines(), before, text);
    }),
  );

  it(
    'says how far a copy has come when there is no time left for it',
    inCluster(async ({ cloud, cluster }) => {
      const details = { ...cloud.vm.details, 'External:is_full_clone': 'true' };
      cloud.change({ details });
      cluster.faults.task({ type: 'qmclone', never: true });
      const { text } = await cloud.call('create', { timeoutSeconds: 8 });
      assert.match(text, /while copying template 9000 to machine 10042 \(\d+ % done\)/);
      assert.match(text, /raise StartCommand/);
    }),
  );

  it(
    'says why a task failed and keeps the last lines of its log in ours',
    inCluster(async ({ cloud, cluster, backend }) => {
      const before = await backend.machines();
      const fail = 'clone failed: copy "failed": exit code 1';
      cluster.faults.task({ type: 'qmclone', fail });
      const { text } = await cloud.call('create');
      assert.match(text, /Could not copy template 9000 to machine 10042 on pve1: clone failed/);
      assert.deepEqual(await backend.machines(), before);
      assert.match(cloud.allOutput(), /task\.failed.*create linked clone of drive/);
    }),
  );

  it(
    'takes warnings of a task for success',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.task({ type: 'qmclone', warnings: true });
      cluster.faults.task({ type: 'qmstart', warnings: true });
      await cloud.ok('create');
      assert.match(cloud.allOutput(), /task\.warnings/);
    }),
  );

  it(
    'reports what it cannot remove: a copy whose worker was killed stays locked',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.task({ type: 'qmclone', kill: true });
      const { exitCode, text } = await cloud.call('create');
      assert.equal(exitCode, 1);
      assert.match(text, /its worker was killed/);
      assert.match(text, /machine 10042 on pve1 is left locked and unfinished.*qm unlock 10042/);
      assert.doesNotMatch(text, /qm destroy/, 'it may be another one by then');
      // The id is useless until root clears it, and no create has to wait for that.
      await cloud.ok('create');
      assert.notEqual((await cloud.machine()).remoteId, '10042');
    }),
  );

  it(
    'waits for a lock that another task holds for a while',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const answer = {
        status: 500,
        reason: "can't lock file '/var/lock/qemu-server/lock-10042.conf' - got timeout",
        body: '',
      };
      await cloud.ok('stop');
      cluster.faults.request({ method: 'POST', path: '/status/start', answer });
      await cloud.ok('start');
    }),
  );

  it(
    'says what a backup is in the way of, and to a tenant only that he has to wait',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.vm(10042).config.set('lock', 'backup');
      const { text } = await cloud.custom('CreateSnapshot', { snap_name: 'snap1' });
      assert.match(text, /is busy \(a backup or the like\); please try again later/);
      assert.match(cloud.allOutput(), /VM is locked \(backup\)/);
    }),
  );

  it(
    'names the task that holds a lock and since when, and without one what root has to do',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      cluster.faults.task({ type: 'vzdump', never: true });
      const backup = cloud.custom('Backup', {}, { caller: admin, timeoutSeconds: 5 });
      await during(backup, () => cluster.vm(10042).config.get('lock') === 'backup');
      const { text } = await cloud.call('start');
      assert.match(
        text,
        /VM is locked \(backup\), held since 20\S+Z by UPID:pve1:\S+:vzdump:10042:/,
      );
      assert.match(text, /Wait until that task has ended/);
      await backup;
      cluster.vm(10042).config.set('lock', 'clone');
      const left = await cloud.call('start');
      assert.match(
        left.text,
        /VM is locked \(clone\)\. .*tasks --source active` shows none .*`qm unlock 10042`/,
      );
      const tenant = await cloud.custom('DeleteSnapshot', { snap_name: 'snap1' });
      assert.doesNotMatch(tenant.text, /UPID|pve1/);
    }),
  );

  it(
    'calls a machine busy whose lock has gone again, and does not advise to take the lock off',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const { config } = cluster.vm(10042);
      config.set('lock', 'snapshot');
      const before = (): void => void config.delete('lock');
      cluster.faults.request({ path: /^\/nodes\/pve1\/tasks$/, before });
      const late = { snap_name: 'second' };
      const { text } = await cloud.custom('CreateSnapshot', late, { caller: admin });
      assert.match(
        text,
        /VM is locked \(snapshot\), but by now it is not\. It was busy: try again/,
      );
      assert.doesNotMatch(text, /qm unlock/);
      assert.equal((await cloud.custom('CreateSnapshot', late)).exitCode, 0);
    }),
  );

  it(
    'lets one of two snapshots at once win, and tells the other caller to try again',
    inCluster(
      async ({ cloud, cluster }) => {
        await cloud.deploy();
        const names = ['one', 'two'];
        const ended = await Promise.all(
          names.map((snap_name) =>
            cloud.custom('CreateSnapshot', { snap_name }, { caller: admin }),
          ),
        );
        const lost = ended.filter(({ exitCode }) => exitCode === 1);
        assert.equal(cluster.vm(10042).snapshots.size, ended.length - lost.length);
        for (const { text } of lost) {
          assert.match(text, /It was busy: try again|Wait until that task has ended|it: wait/);
          assert.doesNotMatch(text, /qm unlock/);
        }
        const [first] = names;
        assert.equal(
          (await cloud.custom('CreateSnapshot', { snap_name: `${first}1` })).exitCode,
          0,
        );
      },
      { durations: { qmsnapshot: 100, savevm: 100 } },
    ),
  );

  it(
    'says that a lock is in the way although the cluster does not tell its holder',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      cluster.vm(10042).config.set('lock', 'backup');
      const answer = { status: 500, reason: 'no such thing', body: '' };
      cluster.faults.request({ path: /^\/nodes\/pve1\/tasks$/, answer, times: always });
      const { exitCode, text } = await cloud.call('start');
      assert.equal(exitCode, 1);
      assert.match(text, /VM is locked \(backup\)/);
      assert.doesNotMatch(text, /no such thing|qm unlock/);
    }),
  );

  for (const [what, lock, type, id, holds] of [
    ['a backup of many machines', 'backup', 'vzdump', '', true],
    ['a backup of another machine', 'backup', 'vzdump', '300', false],
    ['a copy, which goes by the id of its template', 'clone', 'qmclone', '9000', true],
    ['a copy, which locks no machine for a backup', 'backup', 'qmclone', '9000', false],
    ['a task of the whole node', 'backup', 'aptupdate', '', false],
  ] as const) {
    it(
      `${holds ? 'names' : 'does not name'} as the holder of a lock ${what}`,
      inCluster(async ({ cloud, cluster }) => {
        await cloud.deploy();
        await cloud.ok('stop');
        cluster.vm(10042).config.set('lock', lock);
        const upid = `UPID:pve1:0001:0002:65000000:${type}:${id}:root@pam:`;
        const body = JSON.stringify({ data: [{ upid, type, id, starttime: 1_700_000_000 }] });
        const answer = { status: 200, body };
        cluster.faults.request({ path: /^\/nodes\/pve1\/tasks$/, answer, times: always });
        const { text } = await cloud.call('start');
        if (holds) assert.ok(text.includes(`held since 2023-11-14T22:13:20Z by ${upid}`), text);
        assert.equal(/`qm unlock 10042`/.test(text), !holds, text);
      }),
    );
  }

  it(
    'removes a machine whose memory is saved to disk',
    inCluster(async ({ cloud, cluster, backend }) => {
      await cloud.deploy();
      await backend.setPower?.('10042', 'saved');
      await cloud.ok('stop');
      assert.equal(cluster.vm(10042).config.get('lock'), 'suspended');
      await cloud.ok('delete');
      assert.equal(cluster.state.vms.has(10042), false);
    }),
  );

  it(
    'changes nothing without quorum and says so',
    inCluster(async ({ cloud, cluster, backend }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      const before = await backend.machines();
      cluster.state.quorate = false;
      for (const action of ['start', 'delete']) {
        const { exitCode, text } = await cloud.call(action, { caller: 'unnamed' });
        assert.equal(exitCode, 1, action);
        assert.match(`${text}${cloud.allOutput()}`, /no quorum|Permission denied/);
      }
      assert.deepEqual(await backend.machines(), before);
    }, fast),
  );

  it(
    'talks to servers that put the error into the status line only',
    inCluster(
      async ({ cloud, cluster, backend }) => {
        await cloud.deploy();
        for (const action of ['reboot', 'stop', 'start', 'stop', 'delete']) await cloud.ok(action);
        const before = await backend.machines();
        cluster.faults.request({
          method: 'POST',
          path: '/clone',
          before: () => void cluster.plantVm({ vmid: 10042, name: 'faster', storage: 'shared' }),
        });
        await cloud.ok('create');
        assert.equal((await backend.machines()).length, before.length + 2);
      },
      { version: '8.4', messages: false },
    ),
  );

  it(
    'overrules a shutdown that is under way when the power is to be cut',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop', { state: 'Running' });
      const stop = cluster.requests.find(({ path }) => path.endsWith('/status/stop'));
      assert.equal(stop?.params['overrule-shutdown'], '1');
    }),
  );

  it(
    'never asks Proxmox VE to look for disks that no configuration names',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('delete');
      const removed = cluster.requests.filter(({ method }) => method === 'DELETE');
      assert.ok(removed.map(shown).every((line) => line === 'DELETE /nodes/pve1/qemu/10042'));
      for (const { params } of removed) assert.deepEqual(params, { purge: '1' });
    }),
  );
});

describe('proxmox in trouble with its time', () => {
  it(
    'waits for no hanging server longer than it may',
    inCluster(async ({ cloud, cluster }) => {
      cluster.faults.request({ hang: 'before', times: always });
      const startedMs = performance.now();
      const { exitCode, text } = await cloud.call('start', { timeoutSeconds: 1 });
      assert.ok(performance.now() - startedMs < 1000);
      assert.equal(exitCode, 1);
      assert.match(text, /Gave up after .* while waiting for Proxmox VE/);
    }),
  );

  it(
    'counts all tasks of an action against one time',
    inCluster(
      async ({ cloud, cluster, backend }) => {
        const before = await backend.machines();
        cluster.faults.task({ type: 'qmstart', never: true });
        const startedMs = performance.now();
        const { exitCode, text } = await cloud.call('create', { timeoutSeconds: 4 });
        assert.ok(performance.now() - startedMs < 4000);
        assert.equal(exitCode, 1);
        assert.match(text, /while machine 10042 was starting/);
        assert.deepEqual(await backend.machines(), before);
      },
      { durations: { linkedclone: 1500 } },
    ),
  );
});

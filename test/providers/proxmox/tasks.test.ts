import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admin } from '../../support/payloads.ts';
import { user } from './backend.ts';
import { type ClusterScene, inCluster, shown } from './scene.ts';

const snap = { snap_name: 'snap1' };
const briefly = { caller: admin, timeoutSeconds: 6 };
const asAdmin = { caller: admin };

/** The actions that make, end or look for nothing but what their task does. */
const never = { never: true } as const;

function stillRunning({ cluster }: ClusterScene): readonly string[] {
  return cluster.state.tasks.running().map(({ type }) => type);
}

describe('proxmox and tasks that do not end in time', { concurrency: 4 }, () => {
  it(
    'a move is cancelled and the machine goes on where it was',
    inCluster(async (scene) => {
      const { cloud, cluster, configure } = scene;
      configure({ other_nodes: 'pve2' });
      await cloud.deploy();
      cluster.faults.task({ type: 'qmigrate', ...never });
      const { exitCode, text } = await cloud.custom('Migrate', { node: 'pve2' }, briefly);
      assert.equal(exitCode, 1);
      assert.match(text, /while machine 10042 was moving to pve2/);
      const { node, power, config } = cluster.vm(10042);
      assert.deepEqual([node, power, config.get('lock')], ['pve1', 'running', undefined]);
      assert.deepEqual(stillRunning(scene), []);
    }),
  );

  it(
    'the error names a move by HA that still goes on',
    inCluster(async ({ cloud, cluster, configure }) => {
      configure({ other_nodes: 'pve2' });
      await cloud.deploy();
      cluster.state.ha.set('vm:10042', { state: 'started' });
      const { text } = await cloud.custom('Migrate', { node: 'pve2' }, briefly);
      assert.match(text, /had not arrived on pve2; HA was asked to move it and may still do so/);
    }),
  );

  it(
    'a backup is cancelled, and neither a lock nor an archive is left',
    inCluster(async (scene) => {
      const { cloud, cluster } = scene;
      await cloud.deploy();
      cluster.faults.task({ type: 'vzdump', ...never });
      assert.equal((await cloud.custom('Backup', {}, briefly)).exitCode, 1);
      assert.equal(cluster.vm(10042).config.get('lock'), undefined);
      assert.deepEqual(stillRunning(scene), []);
      const archives = [...cluster.state.volumes].filter(({ content }) => content === 'backup');
      assert.deepEqual(archives, []);
    }),
  );

  it(
    'a disk resize cannot be undone: the error says that it goes on, and as which task',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.faults.task({ type: 'resize', ...never });
      const { text } = await cloud.custom('ResizeDisk', { size_gb: 12 }, briefly);
      assert.match(text, /it may still run on node pve1 as task UPID:pve1:\S+:resize:10042:/);
      assert.match(text, /Wait for its end there/);
      assert.doesNotMatch(text, /% done/, 'such a task does not say how far it is');
    }),
  );

  it(
    'a restore is never cut off half-way, and the error says that it goes on',
    inCluster(async (scene) => {
      const { cloud, cluster } = scene;
      const { backup, confirm } = await backedUp(scene);
      cluster.faults.task({ type: 'qmrestore', ...never });
      const { text } = await cloud.custom('RestoreBackup', { backup, confirm }, briefly);
      assert.match(text, /it may still run on node pve1 as task UPID:pve1:\S+:qmrestore:10042:/);
      assert.deepEqual(stillRunning(scene), ['qmrestore']);
    }),
  );

  for (const [action, type, given, end] of [
    ['Backup', 'vzdump', {}, 'the backup is on'],
    ['Migrate', 'qmigrate', { node: 'pve2' }, 'the machine is on pve2 now'],
  ] as const) {
    it(
      `${action} says so when its task had ended before it could be cancelled`,
      inCluster(async ({ cloud, cluster, configure }) => {
        configure({ other_nodes: 'pve2' });
        await cloud.deploy();
        cluster.faults.task({ type, warnings: true });
        cluster.faults.request({ path: new RegExp(`:${type}:.*/status$`), hang: 'before' });
        const { exitCode, text } = await cloud.custom(action, given, briefly);
        assert.equal(exitCode, 1);
        assert.match(text, new RegExp(`it had ended: ${end}`));
      }),
    );
  }

  it(
    'a reinstallation gives the old disk back, removes the new one and starts the machine again',
    inCluster(async (scene) => {
      const { cloud, cluster } = scene;
      await cloud.deploy();
      const before = await cloud.machine();
      const confirm = cloud.vm.name;
      const volumes = cluster.state.volumes.size;
      cluster.faults.task({ type: 'resize', ...never });
      const { exitCode } = await cloud.custom('Reinstall', { confirm }, briefly);
      assert.equal(exitCode, 1);
      const after = await cloud.machine();
      assert.deepEqual([after.disk, after.power], [before.disk, 'on']);
      assert.equal(cluster.state.volumes.size, volumes);
      assert.equal(cluster.vm(10042).snapshots.size, 0);
    }),
  );
});

describe('proxmox and tasks that fail', { concurrency: 4 }, () => {
  for (const [action, type, parameters, ends] of [
    ['Backup', 'vzdump', {}, 'job errors: Backup of VM 10042 failed - no space left'],
    [
      'Migrate',
      'qmigrate',
      { node: 'pve2' },
      'migration problems: online migrate failure - no space',
    ],
  ] as const) {
    it(
      `${action} says why its task failed, which stands in the log of the task alone`,
      inCluster(async ({ cloud, cluster, configure }) => {
        configure({ other_nodes: 'pve2' });
        await cloud.deploy();
        cluster.faults.task({ type, fail: 'no space left on the device' });
        const { exitCode, text } = await cloud.custom(action, parameters, { caller: admin });
        assert.equal(exitCode, 1);
        assert.ok(text.includes(ends), text);
      }),
    );
  }

  it(
    'a task that only met a lock is begun again, three times in all',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      const fail = "can't lock file '/var/lock/qemu-server/lock-10042.conf' - got timeout";
      const often = cluster.faults.task({ type: 'qmstart', fail, times: 9 });
      const { exitCode, text } = await cloud.call('start');
      assert.equal(exitCode, 1);
      assert.match(text, /can't lock file .* - got timeout.*Another task works on it: wait/);
      assert.equal(often.hits, 3);
      often.remove();
      const twice = cluster.faults.task({ type: 'qmstart', fail, times: 2 });
      await cloud.ok('start');
      assert.equal(twice.hits, 2);
    }),
  );

  it(
    'a reinstallation that fails leaves no snapshot, one that was made with warnings neither',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.faults.task({ type: 'qmsnapshot', warnings: true });
      cluster.faults.task({ type: 'qmconfig', fail: 'copy failed' });
      const confirm = cloud.vm.name;
      assert.equal((await cloud.custom('Reinstall', { confirm }, asAdmin)).exitCode, 1);
      assert.equal(cluster.vm(10042).snapshots.size, 0);
    }),
  );

  for (const [action, type] of [
    ['RestoreSnapshot', 'qmrollback'],
    ['RestoreBackup', 'qmrestore'],
  ] as const) {
    it(
      `a machine that ran is brought back with what it should have when ${action} fails`,
      inCluster(async (scene) => {
        const { cloud, cluster } = scene;
        const { backup, confirm } = await backedUp(scene);
        await cloud.okCustom('CreateSnapshot', snap);
        await cloud.ok('stop');
        cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2700 })) });
        await cloud.ok('start');
        cluster.faults.task({ type, fail: 'broken: no such thing' });
        if (type === 'qmrollback') cluster.faults.request({ path: /rollback$/, after: unlock });
        const given = action === 'RestoreSnapshot' ? snap : { backup, confirm };
        const { text } = await cloud.custom(action, given, asAdmin);
        assert.match(text, /no such thing/);
        const { config, power } = cluster.vm(10042);
        assert.equal(power, 'running');
        assert.match(config.get('net0') ?? '', /tag=2700/);

        function unlock(): void {
          const timer = setInterval(() => {
            if (cluster.state.tasks.running('qmrollback').length > 0) return;
            cluster.vm(10042).config.delete('lock');
            clearInterval(timer);
          }, 1);
        }
      }),
    );
  }
});

describe('proxmox and tasks that cannot be seen', { concurrency: 4 }, () => {
  for (const [status, looks] of [
    [400, 4],
    [403, 1],
  ] as const) {
    it(
      `a task whose status is answered with ${status} is not waited for, and the error says that it goes on`,
      inCluster(async ({ cloud, cluster }) => {
        await cloud.deploy();
        const answer = { status, reason: 'no such task', body: '' };
        const path = /\/tasks\/.*\/status$/;
        const planted = cluster.faults.request({ path, answer, times: 50 });
        const { exitCode, text } = await cloud.custom('CreateSnapshot', snap, asAdmin);
        assert.equal(exitCode, 1);
        assert.match(
          text,
          /task UPID:pve1:\S+:qmsnapshot:10042:\S+ may still run: .*Stop it on node pve1/,
        );
        assert.match(text, /run `outrigger audit`/);
        assert.equal(planted.hits, looks + 1);
      }),
    );
  }
});

describe('proxmox and answers that get lost', { concurrency: 4 }, () => {
  for (const [action, method, path] of [
    ['CreateSnapshot', 'POST', /\/snapshot$/],
    ['RestoreSnapshot', 'POST', /\/rollback$/],
    ['DeleteSnapshot', 'DELETE', /\/snapshot\/snap1$/],
  ] as const) {
    it(
      `${action} looks for its task and tells what became of it`,
      inCluster(async ({ cloud, cluster }) => {
        await cloud.deploy();
        if (action !== 'CreateSnapshot') await cloud.okCustom('CreateSnapshot', snap);
        const planted = cluster.faults.request({ method, path, cut: 'after' });
        await cloud.okCustom(action, snap);
        assert.equal(planted.hits, 1);
        const names = [...cluster.vm(10042).snapshots.keys()];
        assert.deepEqual(names, action === 'DeleteSnapshot' ? [] : ['snap1']);
        const sent = cluster.requests.filter((one) => one.method === method && path.test(one.path));
        assert.equal(sent.length, action === 'DeleteSnapshot' ? 1 : sent.length);
      }),
    );
  }

  it(
    'an action fails when its request never arrived, and is not sent again',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      // In the same second another call of ours has saved the machine under another name.
      const other = { node: 'pve1', type: 'qmsnapshot', id: 10042, owner: `${user}!cs` };
      cluster.faults.request({
        ...{ method: 'POST', path: /\/snapshot$/, cut: 'before' },
        before: () => void cluster.state.tasks.fork(other, async () => {}),
      });
      const { exitCode } = await cloud.custom('CreateSnapshot', snap);
      assert.equal(exitCode, 1);
      assert.match(cloud.allOutput(), /task\.found/);
      assert.deepEqual([...cluster.vm(10042).snapshots.keys()], []);
      const sent = cluster.requests.map(shown).filter((line) => /^POST .*\/snapshot$/.test(line));
      assert.equal(sent.length, 1);
    }),
  );

  it(
    'a start and a stop that were served behind a cut connection succeed',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      cluster.faults.request({ method: 'POST', path: /status\/stop$/, cut: 'after' });
      await cloud.ok('stop');
      assert.equal(cluster.vm(10042).power, 'stopped');
      cluster.faults.request({ method: 'POST', path: /status\/start$/, cut: 'after' });
      await cloud.ok('start');
      assert.equal(cluster.vm(10042).power, 'running');
    }),
  );

  it(
    'options that were written although the answer got lost are not written again',
    inCluster(async ({ cloud, cluster, changes, configure }) => {
      configure({ cloud_init: 'static', tags: 'Web,alpha' });
      cluster.vm(9000).config.set('protection', '1');
      const lost = { method: 'PUT', path: /\/config$/, cut: 'after', times: 9 } as const;
      cluster.faults.request(lost);
      await cloud.ok('create');
      const written = (): number =>
        changes().filter((line) => /^PUT .*\/config$/.test(line)).length;
      assert.equal(written(), 2, 'its options and, in the end, that it is built');
      await cloud.okCustom('AttachIso', { iso_path: 'shared:iso/debian.iso' }, asAdmin);
      assert.equal(written(), 3);
    }),
  );

  it(
    'options that did not arrive are written again: NICs are right when the machine starts',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      await cloud.ok('stop');
      const cut = { method: 'PUT', path: /\/config$/, cut: 'before' } as const;
      const { config } = cluster.vm(10042);
      config.set('net3', 'virtio=02:01:00:CD:2A:07,bridge=vmbr1');
      const surplus = cluster.faults.request(cut);
      await cloud.ok('start');
      assert.deepEqual([surplus.hits, config.get('net3')], [1, undefined]);
      await cloud.ok('stop');
      cloud.change({ nics: cloud.vm.nics.map((nic) => ({ ...nic, vlan: 2700 })) });
      const moved = cluster.faults.request(cut);
      await cloud.ok('start');
      assert.equal(moved.hits, 1);
      assert.match(config.get('net0') ?? '', /tag=2700/);
    }),
  );

  it(
    'a task is followed although the cluster does not answer for a moment',
    inCluster(async ({ cloud, cluster }) => {
      await cloud.deploy();
      const planted = cluster.faults.request({ path: '/tasks/', cut: 'before', times: 6 });
      await cloud.okCustom('CreateSnapshot', snap);
      assert.equal(planted.hits, 6);
    }),
  );
});

/** Deployed, and saved once. */
async function backedUp({
  cloud,
}: ClusterScene): Promise<{ readonly backup: string; readonly confirm: string }> {
  await cloud.deploy();
  await cloud.okCustom('Backup', {}, asAdmin);
  const { document } = await cloud.okCustom('ListBackups', {}, asAdmin);
  const [row] = document['message'] as { Backup: string }[];
  return { backup: row?.Backup ?? '', confirm: cloud.vm.name };
}

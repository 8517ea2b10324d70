import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inScene } from '../../conformance/cloud.ts';
import { examine } from '../../conformance/operator.ts';
import { admin } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { incusBackend } from './backend.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { missingFor } from './daemon.ts';

const missing = missingFor('incus');
const skip = process.env['CI'] === undefined ? missing : undefined;

describe('incus on a genuine cluster of two members', { skip: skip ?? false }, () => {
  let started: Promise<Cluster> | undefined;
  const cluster = (): Promise<Cluster> => {
    started ??= startCluster();
    return started;
  };
  after(async () => (await started)?.close());
  const both = { target: 'm2', nodes: 'm2', other_nodes: 'm1' };
  const setUp = async (place: Place) => incusBackend((await cluster()).first, place, both);

  it(
    'an instance is made on the member that is its target, and moves to another one that a host has',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const at = async () =>
        (await cloud.okCustom('GetDetails', {}, { caller: admin })).text.match(/m[12]/)?.[0];
      assert.equal(await at(), 'm2');
      const strange = await cloud.custom('Migrate', { node: 'm3' }, { caller: admin });
      assert.match(strange.text, /No host speaks for node m3/);
      await cloud.okCustom('AddDisk', { size_gb: 1 }, { caller: admin });
      const disk = { disk: 'default/data1', confirm: cloud.vm.name };
      const kept = await cloud.custom('Migrate', { node: 'm1' }, { caller: admin });
      assert.match(kept.text, /Data disks stay on their member: default\/data1 on m2/);
      assert.equal((await cloud.machine()).power, 'on');
      for (const action of ['DetachDisk', 'DeleteDisk']) {
        await cloud.okCustom(action, disk, { caller: admin });
      }
      await cloud.okCustom('Migrate', { node: 'm1' }, { caller: admin });
      assert.equal(await at(), 'm1');
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      // The other host reports it now.
      assert.deepEqual((await cloud.ok('statuses')).document['power_state'], {});
      await cloud.okCustom('Migrate', { node: 'm2' }, { caller: admin });
      await cloud.ok('stop');
      await cloud.ok('delete');
    }),
  );

  it(
    'a member that no cluster has is told by its name, for its report would be empty',
    inScene(setUp, async ({ cloud }) => {
      await cloud.deploy();
      const { text, exitCode } = await cloud.call('statuses', { host: { nodes: 'm2,m7' } });
      assert.equal(exitCode, 1);
      assert.match(text, /m7/);
    }),
  );

  it(
    'doctor tells of a member that was evacuated',
    inScene(setUp, async (scene) => {
      const { ask } = (await cluster()).first;
      const members = async () =>
        (await examine(scene))?.find(({ name }) => name === 'members')?.found;
      const set = (action: string) => ask('POST', '/1.0/cluster/members/m2/state', { action });
      assert.equal(await members(), 'all 2 are online');
      await set('evacuate');
      assert.equal(await members(), 'm2 is Evacuated');
      await set('restore');
    }),
  );

  it(
    'an instance whose member is offline is unknown, and nothing about it is changed',
    inScene(setUp, async ({ cloud, backend }) => {
      const other = cloud.another();
      await cloud.deploy();
      await other.deploy({ host: { target: 'm1' } });
      const { second, restartSecond } = await cluster();
      const all = { nodes: 'm1,m2', other_nodes: '' };
      await second.kill();
      try {
        const { document } = await cloud.ok('statuses', { host: all });
        assert.deepEqual(document['power_state'], {
          [cloud.vm.name]: 'PowerUnknown',
          [other.vm.name]: 'PowerOn',
        });
        const status = await cloud.call('status');
        assert.ok(
          status.exitCode === 1 || status.document['power_state'] === 'PowerUnknown',
          status.text,
        );
        for (const action of ['stop', 'start', 'reboot', 'delete', 'create']) {
          assert.equal((await cloud.call(action, { timeoutSeconds: 20 })).exitCode, 1, action);
        }
      } finally {
        await restartSecond();
      }
      assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn');
      assert.equal((await backend.machines()).length, 2);
    }),
  );
});

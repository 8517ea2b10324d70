import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { describe, it } from 'node:test';
import { killedAt, type Stage, stageFor } from './stage.ts';

const untold = { seconds: 4 } as const;

function nodeOf({ cluster }: Stage, name = 'pve2') {
  const node = cluster.state.nodes.get(name);
  assert.ok(node);
  return node;
}

describe('proxmox networks and nodes in trouble', { concurrency: 4 }, () => {
  it('apply once more where a node did not reload', async (t) => {
    const stage = await stageFor(t);
    const { sdn } = nodeOf(stage);
    sdn.trouble = 'ifreload';
    stage.cluster.faults.request({
      ...{ method: 'PUT', path: '/cluster/sdn', skip: 1 },
      before: () => {
        sdn.trouble = undefined;
      },
    });
    const { uri } = await stage.implement();
    assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)]);
    assert.equal(stage.changes().filter((each) => each === 'PUT /cluster/sdn').length, 2);
  });

  for (const trouble of ['ifreload', 'unsuitable', 'no-ssh'] as const) {
    it(`fail and name the node whose reload never works: ${trouble}`, async (t) => {
      const stage = await stageFor(t);
      nodeOf(stage).sdn.trouble = trouble;
      await assert.rejects(
        stage.implement({}, { seconds: 8 }),
        /The vnet or\w+ is not on every node \(pve2: (vnet is not generated|local sdn network)/,
      );
      assert.equal(stage.cluster.state.sdn.lock, undefined);
      nodeOf(stage).sdn.trouble = undefined;
      await stage.shutDown();
      assert.equal(stage.cluster.state.vnets.size, 0);
    });
  }

  it('fail at once where the bridge under the zone is missing on a node', async (t) => {
    const stage = await stageFor(t);
    nodeOf(stage).bridges.delete('vmbr1');
    await assert.rejects(stage.implement(), /pve2: missing vmbr1/);
    assert.equal(stage.changes().filter((each) => each === 'PUT /cluster/sdn').length, 1);
  });

  it('do not wait for a node that is down, and reach it at the next call', async (t) => {
    const stage = await stageFor(t);
    await stage.cluster.nodeDown('pve2');
    const { uri } = await stage.implement();
    assert.deepEqual([stage.bridges('pve1'), stage.bridges('pve2')], [[uri.slice(5)], []]);
    await stage.cluster.nodeUp('pve2');
    await stage.implement();
    assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)]);
  });

  it('fail for a node that counts as online and does not answer', async (t) => {
    const stage = await stageFor(t);
    await stage.cluster.nodeDown('pve2', 'no-route', false);
    await assert.rejects(stage.implement({}, { seconds: 8 }), /pve2: .*No route to host/);
  });

  it('look at the nodes of the setting alone, and refuse one without the zone', async (t) => {
    const zone = { zone: 'cloud', type: 'vlan', bridge: 'vmbr1', nodes: 'pve1' } as const;
    const stage = await stageFor(t, { zones: [zone] });
    await stage.implement();
    await assert.rejects(
      stage.implement({}, { details: { nodes: 'pve1,pve2' } }),
      /The zone cloud is not on pve2, which the setting nodes names/,
    );
  });
});

describe('proxmox networks and changes of other authors', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    it(`refuse to apply a vnet or a zone that an administrator has not finished, on ${version}`, async (t) => {
      const stage = await stageFor(t, { version });
      const { vnets, zones } = stage.cluster.state;
      vnets.set('theirs', { vnet: 'theirs', zone: 'cloud', type: 'vnet', tag: '5' });
      await assert.rejects(stage.implement(), /changes of another author.*vnet theirs \(new\)/);
      vnets.delete('theirs');
      zones.set('cloud', { zone: 'cloud', type: 'vlan', bridge: 'vmbr0' });
      await assert.rejects(stage.implement(), /zone cloud \(changed\)/);
      zones.set('cloud', { zone: 'cloud', type: 'vlan', bridge: 'vmbr1' });
      assert.deepEqual([vnets.size, stage.cluster.state.sdn.lock], [0, undefined]);
      assert.equal(stage.changes().includes('PUT /cluster/sdn'), false);
      await stage.implement();
    });
  }

  it('end a shutdown well while others change the SDN, and remove the vnet at the next', async (t) => {
    const stage = await stageFor(t);
    await stage.implement();
    const { vnets } = stage.cluster.state;
    vnets.set('theirs', { vnet: 'theirs', zone: 'cloud', type: 'vnet', tag: '5' });
    await stage.shutDown();
    await assert.rejects(stage.destroy(), /changes of another author.*vnet theirs/);
    assert.equal(vnets.size, 2);
    vnets.delete('theirs');
    await stage.shutDown();
    assert.equal(vnets.size, 0);
  });

  it('refuse changes that only release 9 sees for the token', async (t) => {
    const stage = await stageFor(t, { version: '9.1' });
    const hidden = { zone: 'hidden', type: 'simple' };
    stage.cluster.state.zones.set('hidden', hidden);
    await assert.rejects(stage.implement(), /some that the API token may not see/);
    assert.equal(stage.cluster.state.vnets.size, 0);
  });

  it('take a vnet back that may not be applied', async (t) => {
    const stage = await stageFor(t, { version: '8.4' });
    stage.cluster.state.roles.set('CloudStackApply', new Set());
    await assert.rejects(stage.implement(), /lacks a right.*\(\/sdn, SDN.Allocate\)/);
    assert.equal(stage.cluster.state.vnets.size, 0);
  });

  it('put a vnet back whose removal may not be applied', async (t) => {
    const stage = await stageFor(t, { version: '8.4' });
    await stage.implement();
    stage.cluster.state.roles.set('CloudStackApply', new Set());
    await assert.rejects(stage.shutDown(), /lacks a right/);
    assert.equal(stage.cluster.state.vnets.size, 1);
  });

  it('wait for a lock, and say how to break one that stays', async (t) => {
    const stage = await stageFor(t, { version: '9.1' });
    const { sdn } = stage.cluster.state;
    sdn.lock = 'theirs';
    setTimeout(() => {
      sdn.lock = undefined;
    }, 600);
    await stage.implement();
    sdn.lock = 'theirs';
    await assert.rejects(stage.destroy({}, untold), {
      message: /another program holds the lock of the SDN/,
      advice: /pvesh delete \/cluster\/sdn\/lock --force 1/,
    });
    assert.equal(sdn.lock, 'theirs');
  });

  it('release the lock that a killed call of this server has left, and no other', async (t) => {
    const stage = await stageFor(t, { version: '9.1' });
    const { cluster, lockNote } = stage;
    const { sdn } = cluster.state;
    sdn.lock = 'ours';
    lockNote('ours');
    await assert.rejects(stage.implement({}, untold), /another program holds the lock/);
    const long = new Date(Date.now() - 100_000);
    utimesSync(lockNote('ours'), long, long);
    await stage.implement({}, untold);
    assert.equal(sdn.lock, undefined);
    sdn.lock = 'theirs';
    utimesSync(lockNote('ours'), long, long);
    await assert.rejects(stage.destroy({}, untold), /another program holds the lock/);
    assert.equal(sdn.lock, 'theirs');
  });
});

describe('proxmox networks and calls that break off', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    for (const side of ['before', 'after'] as const) {
      it(`heal when the call was killed ${side} any changing request, on ${version}`, async (t) => {
        for (let step = 0; ; step += 1) {
          const stage = await stageFor(t, { version });
          const broken = await killedAt(stage, step, side, () => stage.implement());
          const { sdn } = stage.cluster.state;
          // No other call can release a lock whose token died with this one.
          if (sdn.lock !== undefined) sdn.lock = undefined;
          const { uri } = await stage.implement();
          assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)], `step ${step}`);
          const removal = await killedAt(stage, step, side, () => stage.shutDown());
          sdn.lock = undefined;
          await stage.shutDown();
          await stage.destroy();
          // The apply of the killed call may still be reloading the nodes.
          await untilIdle(stage);
          assert.deepEqual(
            [stage.cluster.state.vnets.size, stage.bridges('pve1'), stage.bridges('pve2')],
            [0, [], []],
            `step ${step}`,
          );
          if (!broken && !removal) return assert.ok(step >= 2);
        }
      });

      it(`heal in the same call when an answer is lost ${side} the request, on ${version}`, async (t) => {
        for (const path of ['/cluster/sdn/vnets', '/cluster/sdn']) {
          const stage = await stageFor(t, { version });
          const isExact = new RegExp(`^${path}$`);
          stage.cluster.faults.request({ method: 'POST', path: isExact, cut: side });
          stage.cluster.faults.request({ method: 'PUT', path: isExact, cut: side });
          const { uri } = await stage.implement();
          assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)]);
          assert.equal(stage.cluster.state.sdn.lock, undefined);
        }
      });
    }
  }
});

describe('proxmox networks and several servers', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    it(`implement the same network at once on ${version}`, async (t) => {
      const stage = await stageFor(t, { version });
      const uris = await Promise.all(
        ['a', 'b', 'c'].map((server) => stage.implement({}, { server })),
      );
      assert.equal(new Set(uris.map(({ uri }) => uri)).size, 1);
      assert.equal(stage.cluster.state.vnets.size, 1);
      assert.deepEqual(stage.bridges('pve2'), stage.bridges('pve1'));
    });

    it(`implement and destroy different networks at once on ${version}`, async (t) => {
      const stage = await stageFor(t, { version });
      const ids = [1, 2, 3, 4];
      await Promise.all(
        ids.map((id) => stage.implement({ id: `${id}`, tag: 100 + id }, { server: `s${id}` })),
      );
      for (const node of ['pve1', 'pve2']) assert.equal(stage.bridges(node).length, 4);
      await Promise.all([
        ...[1, 2].map((id) => stage.destroy({ id: `${id}` }, { server: `s${id}` })),
        stage.implement({ id: '9', tag: 109 }, { server: 's9' }),
      ]);
      const vnets = [...stage.cluster.state.vnets.keys()];
      assert.equal(vnets.length, 3);
      // A bridge that nothing is plugged into may be left where two applies met on a node.
      for (const vnet of vnets) assert.ok(stage.bridges('pve1').includes(vnet));
    });
  }
});

async function untilIdle({ cluster }: Stage): Promise<void> {
  await Promise.all(cluster.state.tasks.running().map(({ ended }) => ended));
}

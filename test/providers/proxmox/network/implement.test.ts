import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../../../../src/failure.ts';
import { stageFor, vlanZone } from './stage.ts';

const id = /^or[a-z0-9]{6}$/;

describe('proxmox implements a network', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    it(`as a vnet that every node has, and tells its name each time, on ${version}`, async (t) => {
      const stage = await stageFor(t, { version });
      const { cluster, implement, bridges } = stage;
      const first = await implement();
      const vnet = first.uri.replace('vs://', '');
      assert.match(vnet, id);
      assert.equal(first.type, 'Vswitch');
      assert.deepEqual([bridges('pve1'), bridges('pve2')], [[vnet], [vnet]]);
      assert.deepEqual(cluster.state.vnets.get(vnet), {
        ...{ vnet, zone: 'cloud', type: 'vnet', tag: '1577' },
        alias: 'outrigger:1:cs-1:231',
      });
      assert.equal(cluster.state.sdn.lock, undefined);
      const before = stage.changes().length;
      assert.deepEqual(await implement(), first);
      assert.equal(stage.changes().length, before, 'a second call changes nothing');
    });
  }

  it('with few requests, and fewer when the vnet is there', async (t) => {
    const { cluster, implement } = await stageFor(t);
    const count = async (work: () => Promise<unknown>): Promise<number> => {
      const before = cluster.requests.length;
      await work();
      const own = cluster.requests.slice(before);
      return own.filter(({ path }) => !/\/tasks\//.test(path)).length;
    };
    assert.equal(await count(implement), 11);
    assert.equal(await count(implement), 6);
  });

  it('removes it at the shutdown, and succeeds where it is gone', async (t) => {
    const { cluster, implement, shutDown, destroy, bridges } = await stageFor(t);
    await implement();
    await shutDown();
    assert.deepEqual([cluster.state.vnets.size, bridges('pve1'), bridges('pve2')], [0, [], []]);
    assert.equal(cluster.state.sdn.lock, undefined);
    await shutDown();
    await destroy();
    await implement();
    await destroy();
    assert.equal(cluster.state.vnets.size, 0);
  });

  it('keeps networks of the same number apart by their installation', async (t) => {
    const { cluster, implement, destroy } = await stageFor(t);
    const mine = await implement({ tag: 11 });
    const theirs = await implement({ tag: 12 }, { installation: 'cs-2' });
    assert.notEqual(mine.uri, theirs.uri);
    await destroy({}, { installation: 'cs-2' });
    assert.deepEqual(
      [...cluster.state.vnets.keys()].map((vnet) => `vs://${vnet}`),
      [mine.uri],
    );
  });

  it('leaves a vnet alone that has its id and no mark of it', async (t) => {
    const { cluster, implement, shutDown, destroy } = await stageFor(t);
    const { uri } = await implement();
    const vnet = uri.slice(5);
    for (const alias of [undefined, 'my own words', 'outrigger:1:cs-2:231', 'outrigger:9:x']) {
      const own = {
        vnet,
        zone: 'cloud',
        type: 'vnet',
        tag: '9',
        ...(alias === undefined ? {} : { alias }),
      };
      cluster.state.vnets.set(vnet, own);
      cluster.applySdn();
      await assert.rejects(implement(), (thrown) => isKind(thrown, 'conflict'));
      await shutDown();
      await destroy();
      assert.equal(cluster.state.vnets.get(vnet), own);
    }
  });

  it('leaves a vnet alone that has its id in a zone out of sight', async (t) => {
    const { cluster, implement } = await stageFor(t, {
      zones: [vlanZone, { zone: 'other', type: 'simple' }],
    });
    const { uri } = await implement();
    const own = { vnet: uri.slice(5), zone: 'other', type: 'vnet' };
    cluster.state.vnets.set(own.vnet, own);
    cluster.applySdn();
    await assert.rejects(implement(), /is not the one that was made.*sees none/);
    assert.equal(cluster.state.vnets.get(own.vnet), own);
    assert.equal(cluster.state.sdn.lock, undefined);
  });
});

describe('proxmox gives a vnet its number', { concurrency: 4 }, () => {
  const tagOf = (stage: Awaited<ReturnType<typeof stageFor>>, uri: string): string | undefined =>
    stage.cluster.state.vnets.get(uri.slice(5))?.['tag'];

  it('as CloudStack chose it, and follows it in a zone of VLANs', async (t) => {
    const stage = await stageFor(t);
    const { uri } = await stage.implement({ tag: 1577 });
    assert.equal((await stage.implement({ tag: 1578 })).uri, uri);
    assert.equal(tagOf(stage, uri), '1578');
    assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)]);
  });

  it('from a range where CloudStack chose none, the same each time', async (t) => {
    const stage = await stageFor(t);
    const { tag: _tag, ...untold } = { tag: undefined };
    const details = { sdn_tags: '2000-2001' };
    const uris: string[] = [];
    for (const id of ['1', '2']) {
      uris.push((await stage.implement({ id, ...untold, tag: 'untagged' }, { details })).uri);
    }
    const tags = uris.map((uri) => tagOf(stage, uri));
    assert.deepEqual([...tags].sort(), ['2000', '2001']);
    await stage.implement({ id: '1', tag: 'untagged' }, { details });
    assert.deepEqual(
      uris.map((uri) => tagOf(stage, uri)),
      tags,
    );
    await assert.rejects(
      stage.implement({ id: '3', tag: 'untagged' }, { details }),
      /Every number for a vnet in zone cloud is taken/,
    );
    await assert.rejects(
      stage.implement({ id: '3', tag: 'untagged' }),
      /CloudStack chose no VLAN for network 3, and sdn_tags is not set/,
    );
    await assert.rejects(
      stage.implement({ id: '3', tag: 'untagged' }, { details: { sdn_tags: '5000-6000' } }),
      /6000 in sdn_tags is no VLAN/,
    );
    assert.equal(stage.cluster.state.vnets.size, 2);
  });

  it('above all VLANs in a zone of VXLANs, past the numbers that it does not see', async (t) => {
    const stage = await stageFor(t, {
      zones: [
        { zone: 'cloud', type: 'vxlan', peers: '10.99.0.11,10.99.0.12' },
        { zone: 'other', type: 'vxlan', peers: '10.99.0.11,10.99.0.12' },
      ],
    });
    const first = await stage.implement({ id: '5', tag: 'untagged' });
    const tag = Number(tagOf(stage, first.uri));
    assert.ok(tag >= 65_536 && tag <= 16_777_215);
    await stage.destroy({ id: '5' });
    stage.cluster.state.vnets.set('hidden', {
      ...{ vnet: 'hidden', zone: 'other', type: 'vnet', tag: String(tag) },
    });
    stage.cluster.applySdn();
    await stage.implement({ id: '5', tag: 'untagged' });
    assert.equal(tagOf(stage, first.uri), String(tag + 1));
    assert.equal(tagOf(stage, (await stage.implement({ id: '6', tag: 1715 })).uri), '1715');
  });

  it('not at all in a simple zone', async (t) => {
    const stage = await stageFor(t, { zones: [{ zone: 'cloud', type: 'simple' }] });
    const { uri } = await stage.implement();
    assert.equal(tagOf(stage, uri), undefined);
    assert.deepEqual(stage.bridges('pve2'), [uri.slice(5)]);
  });

  it('and refuses a VLAN that another vnet of the zone has', async (t) => {
    const stage = await stageFor(t, { version: '8.4' });
    await stage.implement({ id: '1', tag: 1577 });
    await assert.rejects(
      stage.implement({ id: '2', tag: 1577 }),
      /tag 1577 already exist in vnet or/,
    );
    assert.equal(stage.cluster.state.vnets.size, 1);
  });
});

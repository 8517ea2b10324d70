import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Stage, stageFor, vlanZone } from './stage.ts';

const details = { sdn_tags: '2000-2099' };

async function found(stage: Stage, name: string, more = {}): Promise<string> {
  const check = (await stage.checks({ details: { ...details, ...more } })).get(name);
  return `${check?.state} ${check?.found}. ${check?.advice ?? ''}`;
}

describe('doctor and the networks of proxmox', { concurrency: 4 }, () => {
  for (const version of ['8.4', '9.1'] as const) {
    it(`finds nothing wrong with the rights and the zone of the page on ${version}`, async (t) => {
      const stage = await stageFor(t, { version });
      await stage.implement();
      const before = stage.changes().length;
      const checks = await stage.checks({ details });
      const wrong = [...checks.values()].filter(({ state }) => state !== 'ok');
      assert.deepEqual(wrong, []);
      assert.equal(
        checks.get('zone')?.found,
        'cloud of type vlan; 1 of its 1 vnets are of this installation',
      );
      assert.equal(checks.get('zone on nodes')?.found, 'pve1, pve2');
      assert.equal(stage.changes().length, before, 'the checks change nothing');
    });
  }

  it('names each right that is missing, with the command that gives it', async (t) => {
    const stage = await stageFor(t);
    const { state } = stage.cluster;
    const all = [...state.acl];
    const without = (path: string): void => {
      state.acl = all.filter((entry) => entry.path !== path);
    };
    without('/sdn');
    assert.match(
      await found(stage, 'right to apply'),
      /^fail SDN\.Allocate is missing on \/sdn.*pveum role add CloudStackApply.*pveum acl modify \/sdn --users 'net@pve' .*--propagate 0$/,
    );
    without('/vms');
    assert.match(
      await found(stage, 'sight of machines'),
      /^warn VM\.Audit is missing on \/vms.*pveum acl modify \/vms .*CloudStackSight$/,
    );
    without('/sdn/zones/cloud');
    assert.match(
      await found(stage, 'rights on the zone'),
      /^fail missing on \/sdn\/zones\/cloud and below: SDN\.Allocate, SDN\.Audit, SDN\.Use\..*acl modify \/sdn\/zones\/cloud /,
    );
    assert.match(await found(stage, 'zone'), /^fail the token sees no zone cloud.*sees none/);
    state.acl = all;
    state.roles.set('CloudStackNetwork', new Set(['SDN.Allocate', 'SDN.Audit']));
    assert.match(await found(stage, 'rights on the zone'), /and below: SDN\.Use\./);
  });

  it('finds a zone that is not there, and VLANs that are missing or none', async (t) => {
    const stage = await stageFor(t);
    assert.match(
      await found(stage, 'zone', { sdn_zone: 'nosuch' }),
      /^fail the token sees no zone nosuch\. The token sees cloud\. .*--zone nosuch --type vlan/,
    );
    const checks = await stage.checks();
    assert.equal(checks.get('sdn_tags')?.state, 'warn');
    assert.match(
      await found(stage, 'sdn_tags', { sdn_tags: '4000-5000' }),
      /^fail 4000-5000 is no range of VLANs/,
    );
  });

  it('finds waiting changes of other authors', async (t) => {
    const stage = await stageFor(t);
    const { vnets, zones } = stage.cluster.state;
    vnets.set('theirs', { vnet: 'theirs', zone: 'cloud', type: 'vnet', tag: '5' });
    zones.set('cloud', { ...vlanZone, bridge: 'vmbr0' });
    assert.match(
      await found(stage, 'waiting changes'),
      /^fail of another author: vnet theirs \(new\), zone cloud \(changed\)/,
    );
  });

  it('finds nodes without the zone, nodes that are behind, and nodes that are away', async (t) => {
    const stage = await stageFor(t, { zones: [{ ...vlanZone, nodes: 'pve1' }] });
    assert.match(await found(stage, 'zone on nodes'), /^warn pve2: has no such zone/);
    assert.match(await found(stage, 'zone on nodes', { nodes: 'pve1,pve2' }), /^fail pve2: has no/);
    assert.match(await found(stage, 'zone on nodes', { nodes: 'pve1' }), /^ok pve1/);
    stage.cluster.state.zones.set('cloud', vlanZone);
    stage.cluster.applySdn();
    const pve2 = stage.cluster.state.nodes.get('pve2');
    assert.ok(pve2);
    pve2.sdn.version = 0;
    assert.match(await found(stage, 'zone on nodes'), /^fail pve2: pending/);
    await stage.cluster.nodeDown('pve2');
    assert.match(await found(stage, 'zone on nodes', { nodes: 'pve1,pve2' }), /pve2: not online/);
  });

  it('says so where no zone is named, and where no server answers', async (t) => {
    const stage = await stageFor(t);
    assert.match(await found(stage, 'zone', { sdn_zone: '' }), /^skipped sdn_zone is not set/);
    const checks = await stage.checks({ details: { url: 'https://127.0.0.1:9' } });
    assert.equal(checks.get('connection')?.state, 'fail');
    assert.equal(checks.has('zone'), false);
  });
});

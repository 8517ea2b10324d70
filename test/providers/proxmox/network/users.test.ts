import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../../../../src/failure.ts';
import { type Stage, stageFor } from './stage.ts';

/** Machines that name a vnet, each in its own way. */
const uses: Readonly<Record<string, (stage: Stage, vnet: string) => void>> = {
  'net1 of machine 101': ({ cluster }, vnet) => {
    cluster.plantVm({ vmid: 101, config: { net1: `virtio,bridge=${vnet},firewall=1` } });
  },
  'net0 of machine 102': ({ cluster }, vnet) => {
    const vm = cluster.plantVm({
      vmid: 102,
      power: 'running',
      config: { net0: `virtio,bridge=${vnet}` },
    });
    vm.pending.set('net0', 'virtio,bridge=vmbr0');
  },
  'net0 of machine 103': ({ cluster }, vnet) => {
    cluster.plantVm({ vmid: 103 }).pending.set('net0', `virtio,bridge=${vnet}`);
  },
  'net0 of machine 9001': ({ cluster }, vnet) => {
    cluster.plantVm({ vmid: 9001, template: true, config: { net0: `virtio,bridge=${vnet}` } });
  },
  'snapshot s1 of machine 104': ({ cluster }, vnet) => {
    const config = new Map([['net0', `virtio,bridge=${vnet}`]]);
    const vm = cluster.plantVm({ vmid: 104, node: 'pve2' });
    vm.snapshots.set('s1', { name: 's1', description: '', snaptime: 1, config });
  },
  'net0 of container 105': ({ cluster }, vnet) => {
    const config = new Map([['net0', `name=eth0,bridge=${vnet},ip=dhcp`]]);
    cluster.state.containers.set(105, { node: 'pve1', config });
  },
};

describe('proxmox keeps a vnet', { concurrency: 4 }, () => {
  for (const [named, plant] of Object.entries(uses)) {
    it(`that is named by ${named}`, async (t) => {
      const stage = await stageFor(t);
      const vnet = (await stage.implement()).uri.slice(5);
      // Names that only begin alike are others.
      stage.cluster.plantVm({ vmid: 200, config: { net0: `virtio,bridge=${vnet}x` } });
      plant(stage, vnet);
      await stage.shutDown();
      assert.deepEqual([...stage.cluster.state.vnets.keys()], [vnet]);
      await assert.rejects(
        stage.destroy(),
        (thrown) =>
          isKind(thrown, 'conflict') && String(thrown).includes(`still named by ${named}`),
      );
      stage.cluster.state.vms.clear();
      stage.cluster.state.containers.clear();
      await stage.destroy();
      assert.equal(stage.cluster.state.vnets.size, 0);
    });
  }

  it('while a machine cannot be read', async (t) => {
    const stage = await stageFor(t);
    await stage.implement();
    stage.cluster.plantVm({ vmid: 101, node: 'pve2' });
    await stage.cluster.nodeDown('pve2');
    await stage.shutDown();
    assert.equal(stage.cluster.state.vnets.size, 1);
    await assert.rejects(stage.destroy(), /perhaps machine 101 on pve2, which could not be read/);
  });

  it('while the token does not see all machines', async (t) => {
    const stage = await stageFor(t);
    await stage.implement();
    stage.cluster.state.acl = stage.cluster.state.acl.filter(({ path }) => path !== '/vms');
    await stage.shutDown();
    assert.equal(stage.cluster.state.vnets.size, 1);
    await assert.rejects(stage.destroy(), /VM\.Audit on \/vms is missing/);
  });

  it('and fails where the token does not see the vnets', async (t) => {
    const stage = await stageFor(t);
    await stage.implement();
    stage.cluster.state.roles.set('CloudStackNetwork', new Set(['SDN.Use']));
    await assert.rejects(stage.shutDown(), /does not see the vnets of zone cloud/);
    assert.equal(stage.cluster.state.vnets.size, 1);
  });

  it('with two vnets marked alike, until one of them is another one', async (t) => {
    const stage = await stageFor(t);
    const vnet = (await stage.implement()).uri.slice(5);
    const { vnets } = stage.cluster.state;
    vnets.set('copy', { ...vnets.get(vnet), vnet: 'copy', tag: '7' });
    stage.cluster.applySdn();
    await assert.rejects(stage.implement(), /Two remote networks are marked/);
    await stage.shutDown();
    assert.equal(vnets.size, 2);
  });
});

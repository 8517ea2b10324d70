import type { Stage } from './engine.ts';
import { type Before, crashes, failTwice, nextBroadcast, outage } from './incidents.ts';
import {
  addDisk,
  bare,
  deaf,
  gib,
  nodeIn,
  oddStorages,
  ordinary,
  running,
  secret,
  start,
  storages,
  type Version,
} from './stage.ts';

/** Each section's world with what was done in it beside the recorded calls. */
export const sections: Readonly<Record<number, (version: Version) => Promise<Stage>>> = {
  1: async (version) => ({
    cluster: await start(version),
    before: {
      // Long enough to be seen running.
      'cluster resources': nextBroadcast,
      start: (at) => void at.cluster.faults.task({ type: 'qmstart', durationMs: 2000 }),
      '4 s later (qmeventd restarts the VM in a qmstart task of its own)': (at) =>
        at.cluster.clock.advance(4000),
    },
  }),
  2: async (version) => ({
    cluster: await start(version),
    before: { 'GET /cluster/resources?type=vm': nextBroadcast },
  }),
  3: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    return { cluster };
  },
  4: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    return {
      cluster,
      before: {
        'volume that does not exist': ({ cluster: { state } }) => void state.vms.delete(150),
        [`GET /nodes/${nodeIn(version)}/qemu/150/status/current`]: ({ cluster: { clock } }) =>
          clock.advance(1500),
      },
    };
  },
  5: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    ordinary(cluster, 150);
    cluster.vm(150).config.delete('agent');
    Object.assign(cluster.vm(150), running);
    Object.assign(cluster.vm(150).guest, deaf);
    return { cluster };
  },
  6: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    bare(cluster, 110);
    return { cluster };
  },
  7: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    await addDisk(cluster, 100, 'scsi1', 4);
    bare(cluster, 110);
    return {
      cluster,
      before: {
        'lock: backup — POST /status/start': (at) =>
          void at.cluster.vm(110).config.set('lock', 'backup'),
      },
    };
  },
  8: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    await addDisk(cluster, 100, 'scsi1', 4);
    return {
      cluster,
      before: {
        'change of a running VM: pending': (at) => void Object.assign(at.cluster.vm(100), running),
      },
    };
  },
  9: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    await addDisk(cluster, 100, 'scsi6', 1, 'raw');
    Object.assign(cluster.vm(100), running);
    return { cluster };
  },
  10: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    bare(cluster, 110);
    bare(cluster, 111, 'rawvm');
    Object.assign(cluster.vm(100), running);
    const before: Before = {
      'agent configured, guest without one': (at) =>
        void Object.assign(at.cluster.vm(100).guest, deaf),
    };
    return { cluster, before };
  },
  11: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    cluster.plantVm({ vmid: 101, name: 'm2', storage: 'shared' });
    cluster.plantVm({ vmid: 102, name: 'tpl', storage: 'tank' });
    return { cluster };
  },
  12: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    cluster.plantVm({ vmid: 101, name: 'm2', storage: 'shared' });
    return { cluster };
  },
  13: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    return {
      cluster,
      before: {
        'UPID not URL-encoded': (at) => at.cluster.clock.advance(1000),
        'errors=1': failTwice,
      },
    };
  },
  15: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    Object.assign(cluster.vm(100), running);
    return { cluster };
  },
  16: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    cluster.plantVm({
      ...{ vmid: 101, name: 'm2', storage: 'shared', minimal: true },
      config: { memory: '64', protection: '0' },
    });
    return { cluster };
  },
  17: async (version) => ({ cluster: await start(version), before: crashes }),
  18: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    return {
      cluster,
      before: {
        'right after start, guest still booting': (at) =>
          void Object.assign(at.cluster.vm(100), {
            ...running,
            startedAt: at.cluster.clock.now() + 60_000,
          }),
        'GET /nodes/pve1/qemu/160/config': (at) =>
          void at.cluster.plantVm({ vmid: 160, name: 'race0', storage: 'tank', minimal: true }),
      },
    };
  },
  19: async (version) => {
    const cluster = await start(version);
    ordinary(cluster, 100);
    Object.assign(cluster.vm(100), running);
    cluster.plantVm({ vmid: 162, name: 's', storage: 'shared' });
    cluster.plantVm({ vmid: 163, node: 'pve2', name: 'onpve2', disk: null });
    return { cluster, before: outage };
  },
  20: async (version) => ({ cluster: await start(version) }),
  21: async (version) => {
    const cluster = await start(version, { storages: [...storages, ...oddStorages] });
    ordinary(cluster, 100);
    return {
      cluster,
      before: {
        'full clone to a storage that is too small': ({ cluster: { state } }) => {
          for (const volume of state.volumes) if (volume.vmid === 100) volume.used = gib / 2;
        },
        'storage restricted to another node': ({ cluster: { state } }) =>
          void state.vms.delete(102),
        'storage whose mount is missing (is_mountpoint)': ({ cluster: { state } }) => {
          Object.assign(state.storages.get('small') ?? {}, { mounted: false });
        },
      },
    };
  },
  22: team,
};

/** A token whose role stands on a pool alone, with more rights as the section goes on. */
async function team(version: Version): Promise<Stage> {
  const role = [
    ...[
      'Allocate',
      'Audit',
      'Clone',
      'Console',
      'PowerMgmt',
      'Snapshot',
      'Snapshot.Rollback',
      'Backup',
    ],
    ...['CDROM', 'CPU', 'Cloudinit', 'Disk', 'HWType', 'Memory', 'Network', 'Options'].map(
      (x) => `Config.${x}`,
    ),
  ].map((name) => `VM.${name}`);
  const cluster = await start(version, {
    users: { 'team@pve': 'secret123' },
    tokens: [{ id: 'team@pve!t1', secret }],
    roles: { Team: [...role, 'Pool.Audit'] },
    pools: ['team'],
    acl: [{ path: '/pool/team', role: 'Team', who: 'team@pve' }],
  });
  ordinary(cluster, 100);
  const allow = (path: string, granted: string) => (): void => {
    cluster.state.acl.push({ path, role: granted, who: 'team@pve', propagate: true });
  };
  return {
    cluster,
    before: {
      'no right on the bridge': allow('/storage/tank', 'PVEDatastoreUser'),
      'all rights': allow('/sdn/zones/localnetwork/vmbr0', 'PVESDNUser'),
    },
  };
}

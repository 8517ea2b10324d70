import { type Cluster, type Options, startProxmox } from '../../../fakes/pve/index.ts';
import { printConfig } from '../../../fakes/pve/machines.ts';
import { parseSize } from '../../../fakes/pve/property-string.ts';
import type { State, Vm, Volume } from '../../../fakes/pve/state.ts';
import { findVolume } from '../../../fakes/pve/storage.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { proxmox } from '../../../src/providers/proxmox/index.ts';
import { writeIndex } from '../../../src/providers/proxmox/machine/index-tag.ts';
import { anothersMark } from '../../conformance/another-owner.ts';
import type { Backend, DataDisk, Planted, RemoteMachine } from '../../conformance/backend.ts';
import { judgeBy } from '../../conformance/break.ts';
import type { Details } from '../../support/payloads.ts';

/** The rights that the provider's page asks for, on 8 and on 9. */
export const rights: Readonly<Record<'8.4' | '9.1', readonly string[]>> = {
  '8.4': [...common(), 'VM.Monitor'],
  '9.1': [...common(), 'VM.GuestAgent.Audit'],
};

function common(): readonly string[] {
  const config = ['CDROM', 'CPU', 'Cloudinit', 'Disk', 'HWType', 'Memory', 'Network', 'Options'];
  const vm = [
    'Allocate',
    'Audit',
    'Backup',
    'Clone',
    'Console',
    'Migrate',
    'PowerMgmt',
    'Snapshot',
  ];
  return [
    ...config.map((name) => `VM.Config.${name}`),
    ...vm.map((name) => `VM.${name}`),
    'VM.Snapshot.Rollback',
    'Datastore.AllocateSpace',
    'Datastore.Audit',
    'SDN.Use',
    'SDN.Audit',
    'Pool.Audit',
    'Sys.Audit',
  ];
}

export const secret = '3d0f8a52-91c4-4e1b-a7b6-5c2e9d8f7a61';
export const user = 'cloudstack@pve';

/** A cluster with one account for us, a template on shared storage, and tasks that end at once. */
export async function startCluster(options: Options = {}): Promise<Cluster> {
  const version = options.version ?? '9.1';
  const cluster = await startProxmox({
    version,
    scale: 1,
    durations: { ...quick, ...options.durations },
    guest: { bootMs: 0, shutdownMs: 5 },
    roles: { CloudStack: rights[version] },
    tokens: [{ id: `${user}!cs`, secret }],
    acl: [{ path: '/', role: 'CloudStack', who: user }],
    ...options,
  });
  cluster.plantVm({ vmid: 9000, name: 'debian-12', template: true, storage: 'shared', disk: '4G' });
  return cluster;
}

const kinds = [
  'default',
  'qmcreate',
  'qmclone',
  'linkedclone',
  'qmstart',
  'qmstop',
  'qmreset',
  'qmpause',
  'qmresume',
  'qmsuspend',
  'qmsnapshot',
  'savevm',
  'qmrollback',
  'loadvm',
  'qmdelsnapshot',
  'qmdestroy',
  'qmtemplate',
  'qmmove',
  'qmigrate',
  'onlinemigrate',
  'resize',
  'vzdump',
  'qmrestore',
  'notice',
  'bringback',
] as const;

const quick = Object.fromEntries(kinds.map((kind) => [kind, 5]));

/** The details that make the provider reach it. */
export function detailsFor(cluster: Cluster, node = 'pve1', more: Details = {}): Details {
  const at = node === 'pve2' ? 1 : 0;
  return {
    url: cluster.endpoints[at] ?? '',
    tls_fingerprint: cluster.fingerprints.join(','),
    user,
    token: 'cs',
    secret,
    node,
    ...more,
  };
}

/** An older cluster, with rights on one pool and on what machines in it need. */
export const poolOptions: Options = {
  version: '8.4',
  messages: false,
  pools: ['cs'],
  acl: [
    { path: '/pool/cs', role: 'CloudStack', who: user },
    { path: '/nodes', role: 'PVEAuditor', who: user },
    { path: '/storage/shared', role: 'PVEDatastoreUser', who: user },
    { path: '/sdn/zones/localnetwork', role: 'PVESDNUser', who: user },
  ],
};

/** The accounts and rights that the commands on the provider's page make, and nothing besides. */
export function pageOptions(version: '8.4' | '9.1' = '9.1'): Options {
  const onPool = rights[version].filter((name) => /^(VM|Pool)\./.test(name));
  return {
    version,
    pools: ['cs'],
    roles: { CloudStack: onPool, CloudStackNode: ['Sys.Audit'] },
    acl: [
      { path: '/pool/cs', role: 'CloudStack', who: user },
      { path: '/nodes', role: 'CloudStackNode', who: user },
      { path: '/storage/local-lvm', role: 'PVEDatastoreUser', who: user },
      { path: '/storage/local', role: 'PVEDatastoreUser', who: user },
      { path: '/storage/shared', role: 'PVEDatastoreUser', who: user },
      { path: '/sdn/zones/localnetwork', role: 'PVESDNUser', who: user },
    ],
  };
}

export function proxmoxBackend(
  options: Options = {},
  made: (cluster: Cluster) => void = () => {},
): () => Promise<Backend> {
  return async () => {
    const cluster = await startCluster(options);
    made(cluster);
    const { state, faults } = cluster;
    const acl = [...state.acl];
    const { fork: defaultFork = 0 } = state.durations;
    const [pool] = options.pools ?? [];
    const inPool: Details = pool === undefined ? {} : { pool };
    if (pool !== undefined) state.pools.get(pool)?.vms.add(9000);
    let next = 500;
    let removals: (() => void)[] = [];
    let before = 0;
    const fault = (on: boolean, plant: () => { remove(): void }): void => {
      for (const remove of removals.splice(0)) remove();
      if (on) removals = [() => planted.remove()];
      const planted = on ? plant() : { remove: () => {} };
    };
    return {
      registry: { proxmox: async () => proxmox },
      provider: 'proxmox',
      details: () => ({ host: detailsFor(cluster, 'pve1', inPool) }),
      chosen: { template_id: '9000', disk_size_gb: '8' },
      secrets: [secret],
      lacks: {},

      machines: async () => [...state.vms.values()].map((vm) => look(state, vm)),
      async plant(machine) {
        const vmid = next++;
        plant(cluster, vmid, machine, inPool);
        return String(vmid);
      },
      removeBehind: async (remoteId) => {
        state.vms.delete(Number(remoteId));
        cluster.broadcast();
      },
      outage: async (on) => {
        before = cluster.requests.length;
        fault(on, () => faults.request({ cut: 'before', times: Number.POSITIVE_INFINITY }));
      },
      callsDuringOutage: async () => cluster.requests.length - before,
      elsewhereApi: async (on) =>
        fault(on, () =>
          faults.request({
            answer: { status: 404, reason: 'Not Found', body: 'Not Found', type: 'text/plain' },
            times: Number.POSITIVE_INFINITY,
          }),
        ),
      async screen(remoteId) {
        const { hostname: host } = new URL(cluster.endpoints[0] ?? '');
        const screen = state.consoles.filter(({ vmid }) => String(vmid) === remoteId).pop();
        return { host, port: screen?.port ?? 0 };
      },
      async breakOff(where) {
        const { judge, changes } = judgeBy(where);
        const usual = faults.forRequest;
        faults.forRequest = (request) => {
          const cut = judge(request.method !== 'GET');
          return cut === undefined ? usual(request) : [{ cut }];
        };
        return {
          changes,
          async mend() {
            faults.forRequest = usual;
          },
        };
      },
      async disown(remoteId) {
        const { config } = cluster.vm(Number(remoteId));
        const was = config.get('description') ?? '';
        config.set('description', anothersMark(was));
        const giveBack = async (): Promise<void> => void config.set('description', was);
        return { markStays: false, giveBack };
      },
      async hidePart(on) {
        const all = rights[options.version ?? '9.1'].filter((name) => /^(VM|Pool)\./.test(name));
        const left = on ? all.filter((name) => name !== 'Pool.Audit') : all;
        state.roles.set('CloudStack', new Set(left));
      },
      async workLater(on) {
        state.durations['fork'] = on ? 1500 : defaultFork;
      },
      withdrawRights: async (on) => void state.acl.splice(0, 99, ...(on ? [] : acl)),
      async copy(remoteId) {
        const vmid = next++;
        const from = cluster.vm(Number(remoteId));
        const { description = '', tags = '', name = '' } = Object.fromEntries(from.config);
        cluster.plantVm({
          ...{ vmid, name, description, tags, power: from.power },
          ...{ storage: 'shared', ...inPool },
        });
        return String(vmid);
      },
      boots: async (remoteId) => cluster.vm(Number(remoteId)).startedAt,
      async setPower(remoteId, power) {
        const vm = cluster.vm(Number(remoteId));
        if (power === 'saved') {
          Object.assign(vm, { power: 'stopped', qmp: 'stopped', pid: 0 });
          vm.config.set('lock', 'suspended');
        } else Object.assign(vm, { qmp: power });
        cluster.broadcast();
      },
      protect: async (remoteId) => void cluster.vm(Number(remoteId)).config.set('protection', '1'),
      async changeDisk(remoteId) {
        const volume = rootOf(state, cluster.vm(Number(remoteId)));
        if (volume !== undefined) volume.data = 'written over';
      },
      async changeDataDisk(remoteId, name) {
        const volume = findVolume(state, name, cluster.vm(Number(remoteId)).node);
        if (volume !== undefined) volume.data = 'written over';
      },
      dataDisks: async () =>
        [...state.volumes]
          .filter(({ name, content }) => content === 'images' && /disk-\d+/.test(name))
          .map(({ vmid, storage, name }) => ({ machine: `${vmid}`, name: `${storage}:${name}` }))
          .filter(({ machine, name }) => name !== rootNameOf(state, Number(machine))),
      async damage(remoteId) {
        const { config } = cluster.vm(Number(remoteId));
        config.set('description', (config.get('description') ?? '').slice(0, -20));
        config.delete('tags');
        cluster.broadcast();
      },
      async makeTemplate(remoteId) {
        cluster.vm(Number(remoteId)).config.set('template', '1');
        cluster.broadcast();
      },
      slowTasks: async (on) =>
        fault(on, () => faults.task({ never: true, times: Number.POSITIVE_INFINITY })),
      taskMs: async (ms) => {
        for (const kind of kinds) Object.assign(state.durations, { [kind]: ms });
      },
      failTasks: async (on) =>
        fault(on, () =>
          faults.task({
            type: 'qmstart',
            fail: 'start failed: QEMU exited with code 1',
            times: Number.POSITIVE_INFINITY,
          }),
        ),
      fill: async (on) => {
        const node = state.nodes.get('pve1');
        if (node !== undefined) node.otherMemory = on ? node.totalMemory : 0;
      },
      ignoreShutdown: async (on) => {
        for (const vm of state.vms.values()) vm.guest.obeys = !on;
      },
      elsewhere: { node: 'pve2', details: { host: detailsFor(cluster, 'pve2', inPool) } },
      move: async (remoteId, node) => {
        cluster.vm(Number(remoteId)).node = node;
      },
      close: () => cluster.close(),
    };
  };
}

function plant(
  cluster: Cluster,
  vmid: number,
  { name, mark, power, template }: Planted,
  inPool: Details,
): void {
  const own = mark?.(String(vmid));
  const index =
    own === undefined || own.state === 'building'
      ? undefined
      : writeIndex({ ...own, vmid: String(vmid), home: 'pve1' });
  cluster.plantVm({
    vmid,
    name,
    storage: 'shared',
    ...inPool,
    description: own === undefined ? "the operator's own words" : writeMark(own),
    ...(index === undefined ? {} : { tags: index }),
    ...(power === 'on' ? { power: 'running' } : {}),
    ...(template === undefined ? {} : { template }),
  });
}

/** A machine as an account with all rights sees it. */
export function look(state: State, vm: Vm): RemoteMachine {
  const { config } = vm;
  const nets = [...config]
    .filter(([key]) => /^net\d+$/.test(key))
    .sort(([a], [b]) => Number(a.slice(3)) - Number(b.slice(3)));
  return {
    remoteId: String(vm.vmid),
    name: config.get('name') ?? '',
    power: powerOf(vm),
    mark: config.get('description') ?? '',
    cpus: Number(config.get('cores') ?? 1) * Number(config.get('sockets') ?? 1),
    memoryMb: Number(config.get('memory') ?? 512),
    nics: nets.map(([, net]) => ({
      mac: (/[0-9a-f:]{17}/i.exec(net)?.[0] ?? '').toLowerCase(),
      vlan: /tag=/.test(net) ? Number(/tag=(\d+)/.exec(net)?.[1]) : 'untagged',
    })),
    disk: `${rootOf(state, vm)?.name} ${rootOf(state, vm)?.data}`,
    dataDisks: dataDisksOf(state, vm),
    all: JSON.stringify([
      vm.node,
      vm.power,
      vm.qmp,
      vm.pid,
      printConfig(config),
      [...vm.pending],
      [...vm.snapshots.keys()],
    ]),
  };
}

/** In the order of their places; detached ones last. */
function dataDisksOf(state: State, vm: Vm): readonly DataDisk[] {
  const places = [...vm.config]
    .filter(([key]) => /^(scsi|virtio|sata|unused)\d+$/.test(key) && key !== 'scsi0')
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return places.map(([key, value]) => {
    const name = value.split(',')[0] ?? '';
    const volume = findVolume(state, name, vm.node);
    const size = /size=([^,]*)/.exec(value)?.[1];
    const bytes = size === undefined ? (volume?.size ?? 0) : parseSize(size);
    const attached = !key.startsWith('unused');
    return { name, attached, gib: bytes / 2 ** 30, content: `${volume?.data}` };
  });
}

function rootNameOf(state: State, vmid: number): string | undefined {
  return state.vms.get(vmid)?.config.get('scsi0')?.split(',')[0];
}

function rootOf(state: State, vm: Vm): Volume | undefined {
  return findVolume(state, vm.config.get('scsi0')?.split(',')[0] ?? '', vm.node);
}

function powerOf(vm: Vm): RemoteMachine['power'] {
  if (vm.power === 'running') return vm.qmp === 'running' ? 'on' : (vm.qmp as 'paused');
  return vm.config.get('lock') === 'suspended' ? 'saved' : 'off';
}

import { type Cluster, type Options, startProxmox } from '../index.ts';

export type Version = '8.4' | '9.1';

export const secret = '11111111-2222-3333-4444-555555555555';

export const gib = 2 ** 30;

/** The storages of the recorded servers; `small`, `only2` and `off` came for section 21. */
export const storages: NonNullable<Options['storages']> = [
  { id: 'local', content: ['backup', 'iso', 'vztmpl'], path: '/var/lib/vz' },
  {
    id: 'tank',
    content: ['rootdir', 'images', 'iso', 'import', 'snippets'],
    path: '/var/lib/tank',
  },
  { id: 'shared', content: ['images', 'iso'], path: '/shared', shared: true },
];

export const oddStorages: NonNullable<Options['storages']> = [
  {
    id: 'small',
    content: ['images', 'iso'],
    path: '/mnt/small',
    totalBytes: 40 * 2 ** 20,
    otherBytes: 0,
  },
  { id: 'only2', content: ['images'], nodes: ['pve2'] },
  { id: 'off', content: ['images'], disabled: true },
];

const people: Pick<Options, 'users' | 'tokens' | 'roles' | 'acl'> = {
  users: { 'client@pve': 'secret123', 'nobody@pve': 'secret123' },
  tokens: [
    { id: 'client@pve!ro', secret, privsep: true },
    { id: 'client@pve!full', secret },
    { id: 'client@pve!expired', secret, expire: 1000 },
    { id: 'nobody@pve!none', secret },
  ],
  roles: { BenchRO: ['Datastore.Audit', 'Sys.Audit', 'VM.Audit'] },
  acl: [
    { path: '/', role: 'PVEAdmin', who: 'client@pve' },
    { path: '/', role: 'BenchRO', who: 'client@pve!ro' },
  ],
};

export function nodeIn(version: Version): string {
  return version === '8.4' ? 'pve1' : 'pve9';
}

export function start(version: Version, options: Options = {}): Promise<Cluster> {
  return startProxmox({
    ...{
      version,
      scale: Number.POSITIVE_INFINITY,
      storages,
      isos: ['tank:iso/bench.iso'],
      ...people,
    },
    tellsRefusals: true,
    ...{ nodes: version === '8.4' ? ['pve1', 'pve2'] : ['pve9'], bridges: ['vmbr0'] },
    ...options,
  });
}

/** A VM as the recorder's own requests make it: a qcow2 disk, the CD-ROM, one NIC. */
export function ordinary(
  cluster: Cluster,
  vmid: number,
  config: Record<string, string> = {},
): void {
  cluster.plantVm({
    ...{ vmid, name: 'vm', storage: 'tank', format: 'qcow2', disk: '1G' },
    config: {
      memory: '256',
      ide2: 'tank:iso/bench.iso,media=cdrom,size=18764K',
      agent: '1',
      ...config,
    },
  });
}

export function bare(cluster: Cluster, vmid: number, name = 'other'): void {
  cluster.plantVm({ vmid, name, disk: null, minimal: true, config: { boot: ' ' } });
}

export const running = { power: 'running', qmp: 'running', startedAt: 0, pid: 1159 } as const;

export const deaf = { agent: false, obeys: false };

export async function addDisk(
  cluster: Cluster,
  vmid: number,
  option: string,
  size: number,
  format = 'qcow2',
): Promise<void> {
  const { allocate, volumeId } = await import('../storage.ts');
  const vm = cluster.vm(vmid);
  const order = { storage: 'tank', node: vm.node, vmid, size: size * gib, format };
  vm.config.set(option, `${volumeId(allocate(cluster.state, order))},size=${size}G`);
}

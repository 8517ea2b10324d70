import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Locks } from './locks.ts';
import type { Api } from './schema.ts';
import type { Task, Tasks } from './tasks.ts';

/** Configuration by option; every value as the text that stands in the file. */
export type Config = Map<string, string>;

export interface Snapshot {
  readonly name: string;
  description: string;
  readonly snaptime: number;
  parent?: string;
  /** The volume with the memory, when it was saved. */
  readonly vmstate?: string;
  readonly config: Config;
}

/** The behaviour of the system inside a VM, which Proxmox can only watch. */
export interface Guest {
  /** A guest agent answers once the system has come up. */
  agent: boolean;
  /** It shuts down when asked, by the agent or by ACPI. */
  obeys: boolean;
  /** It takes disks that are plugged in while it runs, and lets go of those that are pulled out. */
  plugsDisks: boolean;
  bootMs: number;
  shutdownMs: number;
  addresses: readonly { readonly nic: string; readonly ip: string; readonly prefix: number }[];
  hostName: string;
  readonly files: Map<string, string>;
}

export interface Vm {
  readonly vmid: number;
  node: string;
  config: Config;
  pending: Config;
  /** Options whose removal waits for the next start; `true` removes the volume too. */
  pendingDelete: Map<string, boolean>;
  snapshots: Map<string, Snapshot>;
  parent?: string;
  power: 'running' | 'stopped';
  /** The state that QEMU reports while it runs: running, paused, io-error, … */
  qmp: string;
  startedAt: number;
  pid: number;
  guest: Guest;
  /** Bytes of memory the guest uses while it runs. */
  memoryUsed?: number;
  /** The file that has it started again once QEMU has gone: /run/qemu-server/100.reboot. */
  rebooting?: boolean;
  /** The facts in the image on its cloud-init drive, as they were when it was last written. */
  seed?: Config;
  /** QEMU refuses to start, as with arguments it does not know. */
  brokenQemu?: boolean;
  /** NICs whose bridge went away under the running VM: they stay loose when it comes back. */
  loose?: Set<string>;
}

export type StorageType = 'dir' | 'nfs' | 'lvm' | 'lvmthin' | 'zfspool' | 'rbd';

export interface Storage {
  readonly id: string;
  type: StorageType;
  content: readonly string[];
  shared: boolean;
  /** Only these nodes have it. */
  nodes?: readonly string[];
  disabled: boolean;
  /** False for a directory whose mount is missing. */
  mounted: boolean;
  readonly path: string;
  totalBytes: number;
  /** The bytes that are used beside the volumes below. */
  otherBytes: number;
}

export interface Volume {
  readonly storage: string;
  /** The node that has it; absent on shared storage. */
  readonly node?: string;
  /** Without the storage: `100/vm-100-disk-0.qcow2`, `iso/debian.iso`. */
  name: string;
  vmid?: number;
  readonly content: 'images' | 'iso' | 'backup' | 'snippets' | 'import';
  readonly format: string;
  size: number;
  used: number;
  readonly ctime: number;
  /** The base volume of a linked clone, without the storage. */
  parent?: string;
  /** The content, for tests that follow it through copies, snapshots and backups. */
  data?: string;
  readonly snapshots: Map<string, { readonly data: string; readonly size: number }>;
  notes?: string;
  protected?: boolean;
  /** A backup's own configuration, as `extractconfig` shows it. */
  archived?: string;
  /** The content of a backup's disks, by option. */
  readonly disks?: ReadonlyMap<string, string>;
}

/** Zones or vnets by id, with their properties as the file holds them. */
export type SdnObjects = Map<string, Readonly<Record<string, string>>>;

/** The part of the software-defined network that is in force. */
export interface Sdn {
  /** The files as the last apply committed them. */
  running: { readonly zones: SdnObjects; readonly vnets: SdnObjects };
  /** Counts the applies; a node with a smaller number has not been reloaded since. */
  version: number;
  /** The token of the lock of 9.x. */
  lock: string | undefined;
  /** Vnets with subnets, which cannot be deleted. */
  readonly subnets: Set<string>;
}

/** Why the reload of a node's network goes wrong. */
export type ReloadTrouble = 'ifreload' | 'unsuitable' | 'no-ssh';

/** The part of the software-defined network that a node has. */
export interface NodeSdn {
  /** The version of the configuration that its interfaces were written from; 0 before the first reload. */
  version: number;
  /** The bridges of vnets that are there. */
  readonly bridges: Set<string>;
  /** An ifreload is under way, which has a lock. */
  reloading: boolean;
  trouble: ReloadTrouble | undefined;
}

export interface Node {
  readonly name: string;
  readonly sdn: NodeSdn;
  readonly ip: string;
  readonly id: number;
  /** Whether corosync counts it as online. */
  online: boolean;
  /** It has just come up and its pvestatd has reported nothing yet. */
  unheard?: boolean;
  /** The result of a connection to it. */
  reach: 'up' | 'refused' | 'no-route' | 'silent';
  bridges: Map<string, Record<string, string | number | readonly string[]>>;
  totalMemory: number;
  /** Memory used beside the VMs. */
  otherMemory: number;
  cpus: number;
  readonly startedAt: number;
  /** Seconds its clock is ahead of ours. */
  clockSkew: number;
  nextPid: number;
  port: number;
  fingerprint: string;
  certificate: string;
}

export interface User {
  readonly id: string;
  password?: string;
  enabled: boolean;
  expire: number;
}

export interface Token {
  /** `user@realm!name` */
  readonly id: string;
  secret: string;
  /** Seconds since 1970; 0 is never. */
  expire: number;
  /** Only what both the token and its user may. */
  privsep: boolean;
  comment?: string;
}

export interface Acl {
  readonly path: string;
  readonly role: string;
  /** A user or a token. */
  readonly who: string;
  readonly propagate: boolean;
}

export interface Pool {
  comment?: string;
  readonly vms: Set<number>;
  readonly storages: Set<string>;
}

export interface HaResource {
  state: string;
  group?: string;
  comment?: string;
}

/** The state of a VM that pvestatd last reported to the cluster, up to ten seconds ago. */
export interface Broadcast {
  readonly at: number;
  readonly figures: Readonly<Record<string, string | number>>;
}

export interface Console {
  readonly vmid: number;
  readonly node: string;
  readonly port: number;
  readonly password: string;
  readonly upid: string;
  connected: number;
}

/** The whole cluster; tests may read and change all of it. */
export interface State {
  readonly version: '8.4' | '9.1';
  readonly tellsRefusals: boolean;
  readonly api: Api;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly locks: Locks;
  readonly tasks: Tasks;
  readonly name: string;
  quorate: boolean;
  readonly nodes: Map<string, Node>;
  readonly storages: Map<string, Storage>;
  readonly volumes: Set<Volume>;
  readonly vms: Map<number, Vm>;
  /** Containers by id, with their options: only so that a client sees them beside the VMs. */
  readonly containers: Map<number, { readonly node: string; readonly config: Config }>;
  readonly pools: Map<string, Pool>;
  readonly ha: Map<string, HaResource>;
  /** Replication jobs by id, such as `100-0`. */
  readonly replication: Map<string, { readonly guest: number; readonly target: string }>;
  /** The files zones.cfg and vnets.cfg: an apply brings them into force. */
  readonly zones: SdnObjects;
  readonly vnets: SdnObjects;
  readonly sdn: Sdn;
  readonly users: Map<string, User>;
  readonly tokens: Map<string, Token>;
  readonly roles: Map<string, ReadonlySet<string>>;
  acl: Acl[];
  /** datacenter.cfg, such as `user-tag-access`. */
  readonly options: Map<string, string>;
  readonly broadcasts: Map<number, Broadcast>;
  readonly consoles: Console[];
  /** The behaviour of the guests of VMs that are made through the API. */
  readonly guest: Guest;
  /** Milliseconds of the cluster's time that a kind of task works. */
  readonly durations: Record<string, number>;
  readonly clusterLog: Record<string, string | number>[];
}

export type { Task };

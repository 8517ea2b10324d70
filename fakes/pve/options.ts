import type { Guest, StorageType } from './state.ts';

export interface StorageSetup {
  readonly id: string;
  readonly type?: StorageType;
  readonly content: readonly string[];
  readonly shared?: boolean;
  readonly nodes?: readonly string[];
  readonly disabled?: boolean;
  readonly path?: string;
  readonly totalBytes?: number;
  /** The bytes that are used beside the volumes. */
  readonly otherBytes?: number;
}

export interface TokenSetup {
  /** `user@realm!name` */
  readonly id: string;
  readonly secret: string;
  /** Seconds since 1970; 0 is never. */
  readonly expire?: number;
  readonly privsep?: boolean;
}

export interface AclSetup {
  readonly path: string;
  readonly role: string;
  /** A user or a token. */
  readonly who: string;
  readonly propagate?: boolean;
}

export interface ZoneSetup {
  readonly zone: string;
  readonly type: 'simple' | 'vlan' | 'qinq' | 'vxlan' | 'evpn';
  readonly [option: string]: string;
}

export interface Options {
  /** Which version's schema and manners; 9.1 unless said otherwise. */
  readonly version?: '8.4' | '9.1';
  /** False for a server that sends an error's text only in the status line. */
  readonly messages?: boolean;
  /** Real milliseconds for one of the cluster's: 0.01 makes 10 s of Proxmox 100 ms. */
  readonly scale?: number;
  /** Says why a token is refused, as servers before January 2026 did; else one text for all causes. */
  readonly tellsRefusals?: boolean;
  readonly nodes?: readonly string[];
  /** Real milliseconds before every answer. */
  readonly latencyMs?: number;
  /** Milliseconds of the cluster's time by kind of task; `default` for all others. */
  readonly durations?: Readonly<Record<string, number>>;
  readonly storages?: readonly StorageSetup[];
  /** Passwords by user; `root@pam` is always there. */
  readonly users?: Readonly<Record<string, string>>;
  readonly tokens?: readonly TokenSetup[];
  /** Privileges by name of role, beside the built-in ones. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
  readonly acl?: readonly AclSetup[];
  readonly pools?: readonly string[];
  readonly bridges?: readonly string[];
  /** ISO images by volume id. */
  readonly isos?: readonly string[];
  /** Zones of the software-defined network that are in force from the start. */
  readonly zones?: readonly ZoneSetup[];
  /** Zones of vnets by vnet; a zone that is not there is made as a simple one. */
  readonly vnets?: Readonly<Record<string, string>>;
  readonly guest?: Partial<Guest>;
}

const gib = 2 ** 30;

export const defaultStorages: readonly StorageSetup[] = [
  { id: 'local', content: ['iso', 'vztmpl', 'backup', 'snippets', 'import'], path: '/var/lib/vz' },
  { id: 'local-lvm', type: 'lvmthin', content: ['images', 'rootdir'], totalBytes: 800 * gib },
  {
    ...{ id: 'shared', type: 'nfs', shared: true, path: '/mnt/pve/shared' },
    content: ['images', 'iso', 'backup', 'snippets', 'import'],
    totalBytes: 4000 * gib,
  },
];

/** Roughly the durations of the recorded servers. */
export const defaultDurations: Readonly<Record<string, number>> = {
  default: 100,
  /** Between the answer with the UPID and the first thing that the worker does. */
  fork: 20,
  qmcreate: 200,
  qmclone: 600,
  linkedclone: 200,
  qmstart: 400,
  qmstop: 200,
  qmreset: 50,
  qmpause: 50,
  qmresume: 50,
  qmsuspend: 1500,
  qmsnapshot: 200,
  savevm: 900,
  qmrollback: 200,
  loadvm: 1900,
  qmdelsnapshot: 200,
  qmdestroy: 200,
  qmtemplate: 100,
  qmmove: 800,
  qmigrate: 1000,
  onlinemigrate: 6000,
  resize: 200,
  vzdump: 2000,
  qmrestore: 1500,
  ifreload: 1200,
  notice: 500,
  bringback: 1700,
};

export const defaultGuest: Guest = {
  agent: true,
  obeys: true,
  plugsDisks: true,
  bootMs: 5000,
  shutdownMs: 800,
  addresses: [],
  hostName: 'guest',
  files: new Map(),
};

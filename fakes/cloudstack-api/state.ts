import { randomUUID } from 'node:crypto';
import type { FakeRelease } from './parameters.ts';

export type Texts = Record<string, string>;

export interface FakeExtension {
  readonly id: string;
  readonly name: string;
  /** Below the extensions' directory. */
  readonly path: string;
  readonly isUserDefined: boolean;
  description: string;
  state: 'Enabled' | 'Disabled';
  pathReady: boolean;
  /** The details that the API shows. */
  details: Texts;
  /** The details that the API hides. */
  hidden: Texts;
  reserved: string;
}

export interface FakeAction {
  readonly id: string;
  readonly name: string;
  readonly extensionId: string;
  description: string;
  roles: string[];
  timeout: number;
  enabled: boolean;
  parameters: Texts[];
  details: Texts;
}

export interface FakeCluster {
  readonly id: string;
  readonly name: string;
  readonly hypervisor: string;
  /** The zone that there is, unless it says another. */
  readonly zoneId?: string;
  registration?: { readonly extensionId: string; details: Texts };
}

export interface FakeHost {
  readonly id: string;
  readonly name: string;
  readonly clusterId: string;
  /** With CloudStack's prefix. */
  details: Texts;
}

export interface FakeTemplate {
  readonly id: string;
  readonly name: string;
  readonly extensionId: string | undefined;
  readonly zoneId?: string;
  details: Texts;
}

export type FakeMachine = Readonly<Record<string, unknown>>;

/** All that the fake management server keeps. */
export interface FakeState {
  readonly release: FakeRelease;
  readonly extensions: FakeExtension[];
  readonly actions: FakeAction[];
  readonly clusters: FakeCluster[];
  readonly hosts: FakeHost[];
  readonly templates: FakeTemplate[];
  /** Instances as listVirtualMachines shows them; those of projects apart, as there. */
  readonly machines: FakeMachine[];
  readonly projectMachines: FakeMachine[];
  /** Paths below the extensions' directory at which every server has the same file. */
  readonly files: Set<string>;
  /** Commands whose answers come as jobs, and how often a job is asked for before it is done. */
  readonly slow: Set<string>;
  /** Whether listHosts shows details of External hosts. */
  showsHostDetails: boolean;
  /** The global setting `default.page.size`, which is also the largest page. */
  largestPage: number;
}

export const zone = { id: randomUUID(), name: 'zone1' };
export const pod = { id: randomUUID(), name: 'pod1', zoneid: zone.id };
export const osType = { id: randomUUID(), description: 'Debian GNU/Linux 12 (64-bit)' };

export function createState(release: FakeRelease): FakeState {
  return {
    release,
    extensions: [builtIn('Proxmox', 'Proxmox/proxmox.sh')],
    actions: [],
    clusters: [
      { id: randomUUID(), name: 'kvm', hypervisor: 'KVM' },
      { id: randomUUID(), name: 'ext', hypervisor: 'External' },
    ],
    hosts: [],
    templates: [],
    machines: [],
    projectMachines: [],
    files: new Set(['Proxmox/proxmox.sh']),
    slow: new Set(),
    showsHostDetails: true,
    largestPage: 500,
  };
}

function builtIn(name: string, path: string): FakeExtension {
  return {
    ...{ id: randomUUID(), name, path, isUserDefined: false, description: name },
    ...{ state: 'Enabled', pathReady: true, details: {}, reserved: '' },
    hidden: { orchestratorrequirespreparevm: 'true' },
  };
}

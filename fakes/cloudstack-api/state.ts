import { randomUUID } from 'node:crypto';
import { genuine } from './genuine/index.ts';
import type { FakeRelease } from './parameters.ts';

export type Texts = Record<string, string>;

export interface FakeExtension {
  readonly id: string;
  readonly name: string;
  /** Below the extensions' directory. */
  readonly path: string;
  readonly isUserDefined: boolean;
  readonly type?: 'Orchestrator' | 'NetworkOrchestrator';
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
  successMessage?: string | undefined;
  errorMessage?: string | undefined;
}

export interface FakeCluster {
  readonly id: string;
  readonly name: string;
  readonly hypervisor: string;
  /** The zone that there is, unless it says another. */
  readonly zoneId?: string;
  readonly podId?: string;
  registration?: {
    readonly extensionId: string;
    /** The details that the API shows. */
    details: Texts;
    /** Those that it never shows, nor hands to a script. */
    hidden?: Texts;
  };
}

export interface FakeHost {
  readonly id: string;
  readonly name: string;
  readonly clusterId: string;
  /** `Enabled` unless it says otherwise. */
  resourceState?: string;
  /** With CloudStack's prefix. */
  details: Texts;
}

export interface FakeTemplate {
  readonly id: string;
  name: string;
  readonly extensionId: string | undefined;
  readonly zoneId?: string;
  displayText?: string | undefined;
  details: Texts;
}

export type FakeMachine = Readonly<Record<string, unknown>>;

/** A physical network with the network extensions on it. */
export interface FakePhysicalNetwork {
  readonly id: string;
  readonly name: string;
  readonly registrations: {
    readonly extensionId: string;
    /** The services of the provider, as the extension had them when it was registered. */
    readonly services: readonly string[];
    /** CloudStack's row for it as a provider on this physical network. */
    provider: { readonly state: 'Enabled' | 'Disabled' };
    details: Texts;
    hidden: Texts;
  }[];
}

interface FakeService {
  readonly name: string;
  readonly provider: readonly { readonly name: string }[];
}

export interface FakeOffering {
  readonly id: string;
  readonly name: string;
  readonly displaytext: string;
  readonly guestiptype: string;
  readonly specifyvlan: boolean;
  readonly specifyipranges: boolean;
  readonly service: readonly FakeService[];
  state: string;
}

/** A network as listNetworks shows it; the rest is as in the recorded one. */
export interface FakeNetwork {
  readonly id: string;
  readonly name: string;
  readonly type?: string;
  readonly broadcasturi?: string;
  readonly vlan?: string;
  readonly service?: readonly FakeService[];
  readonly details?: Texts;
}

/** A zone with its pods and the image stores in it. */
export interface FakeZone {
  readonly id: string;
  readonly name: string;
  readonly pods: readonly { readonly id: string; readonly name: string }[];
  imageStores: number;
}

/** All that the fake management server keeps. */
export interface FakeState {
  readonly release: FakeRelease;
  readonly extensions: FakeExtension[];
  readonly actions: FakeAction[];
  readonly clusters: FakeCluster[];
  readonly hosts: FakeHost[];
  readonly templates: FakeTemplate[];
  readonly physicalNetworks: FakePhysicalNetwork[];
  readonly offerings: FakeOffering[];
  /** Networks; those of projects apart. */
  readonly networks: FakeNetwork[];
  readonly projectNetworks: FakeNetwork[];
  readonly zones: FakeZone[];
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
  /** Commands that the role or the rules of the key do not allow. */
  readonly forbidden: Set<string>;
  /** The account that the keys belong to. */
  account: string;
}

export const zone = { id: genuine.zone.id, name: 'zone1' };
export const pod = { id: genuine.pod.id, name: 'pod1' };
export const osType = { id: genuine.ostype.id, description: genuine.ostype.description };

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
    physicalNetworks: [{ id: randomUUID(), name: 'guests', registrations: [] }],
    ...{ offerings: [], networks: [], projectNetworks: [] },
    zones: [{ ...zone, pods: [pod], imageStores: 1 }],
    machines: [],
    projectMachines: [],
    files: new Set(['Proxmox/proxmox.sh']),
    slow: new Set(),
    showsHostDetails: true,
    largestPage: 500,
    forbidden: new Set(),
    account: 'admin',
  };
}

function builtIn(name: string, path: string): FakeExtension {
  return {
    ...{ id: randomUUID(), name, path, isUserDefined: false, description: name },
    ...{ state: 'Enabled', pathReady: true, details: {}, reserved: '' },
    hidden: { orchestratorrequirespreparevm: 'true' },
  };
}

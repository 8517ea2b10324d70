/*
 * Payloads as CloudStack builds them: per action what it puts in and what it leaves out, from one
 * description of an instance (docs/contract.md has the table).
 */

export type Details = Readonly<Record<string, string>>;

/** The details of the host that CloudStack calls for, by the level they are set on. */
export interface HostDetails {
  readonly extension?: Details;
  readonly resourcemap?: Details;
  readonly host?: Details;
}

export interface VmNic {
  readonly deviceId: number;
  readonly uuid: string;
  readonly mac: string;
  readonly vlan: number | 'untagged';
  /** The network's place on the wire where that is no VLAN. */
  readonly uri?: string;
  readonly ip?: string;
  /** The first name server of the NIC's network. */
  readonly dns?: string;
  /** An operator has taken its link down. */
  readonly isDown?: boolean;
}

/** An instance as CloudStack's database has it. */
export interface Vm {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly nics: readonly VmNic[];
  /** The boot type, where one was chosen for the deployment. */
  readonly firmware?: 'UEFI' | 'BIOS';
  /** VM details; `External:` ones among them are what the instance may choose. */
  readonly details: Details;
  /** The data for the guest where ConfigDrive is the provider of user data. */
  readonly guest?: VmGuest;
}

export interface VmGuest {
  readonly hostname: string;
  readonly userData?: Buffer;
  readonly keys?: readonly string[];
  readonly password?: string;
}

export interface Caller {
  readonly name: string;
  readonly type: string;
  readonly roletype: 'Admin' | 'ResourceAdmin' | 'DomainAdmin' | 'User';
}

export const alice: Caller = { name: 'alice', type: 'NORMAL', roletype: 'User' };
export const admin: Caller = { name: 'admin', type: 'ADMIN', roletype: 'Admin' };
export const system: Caller = { name: 'system', type: 'ADMIN', roletype: 'Admin' };

export interface Custom {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface PayloadOptions {
  readonly vm: Vm;
  readonly host: HostDetails;
  /** `undefined` before CloudStack 4.22. */
  readonly caller: Caller | undefined;
  readonly state?: string;
  readonly deploying?: boolean;
  readonly custom?: Custom;
}

type Json = Readonly<Record<string, unknown>>;

/** The word CloudStack has for the instance's state while it runs the action. */
const states: Readonly<Record<string, string>> = {
  prepare: 'Starting',
  create: 'Starting',
  start: 'Starting',
  stop: 'Stopping',
  delete: 'Expunging',
};

/** The payload of one call; `action` is CloudStack's own word or `custom`. */
export function payloadFor(action: string, options: PayloadOptions): Json {
  const { host, caller, custom } = options;
  const who = caller === undefined ? {} : { caller: callerOf(caller) };
  if (action === 'statuses') return { ...who, externaldetails: { ...host } };
  const { vm } = options;
  return {
    ...who,
    virtualmachineid: vm.uuid,
    virtualmachinename: vm.name,
    'cloudstack.vm.details': transferObject(action, options),
    externaldetails: { ...host, ...instancePart(action, vm) },
    ...(custom === undefined ? {} : { action: custom.name }),
    ...(custom?.parameters === undefined ? {} : { parameters: custom.parameters }),
  };
}

function callerOf({ name, type, roletype }: Caller): Json {
  const id = 'b7f0e2f4-2c0d-4c55-9a55-0a6a0f1d2e33';
  return { id, name, type, roleid: id, rolename: roletype, roletype };
}

function instancePart(action: string, { details, nics }: Vm): Json {
  const external = Object.entries(details)
    .filter(([key]) => key.startsWith('External:'))
    .map(([key, value]) => [key.slice('External:'.length), value]);
  const vlan = nics.find(({ deviceId }) => deviceId === 0)?.vlan;
  const wired = action === 'create' || action === 'start';
  const entries = [...external, ...(wired && vlan ? [['cloudstack.vlan', String(vlan)]] : [])];
  return entries.length === 0 ? {} : { virtualmachine: Object.fromEntries(entries) };
}

function transferObject(action: string, options: PayloadOptions): Json {
  const { vm, deploying = action === 'prepare' || action === 'create' } = options;
  const wired = action === 'create' || action === 'start';
  return {
    id: vm.id,
    name: vm.name,
    state: options.state ?? states[action] ?? 'Running',
    type: 'User',
    cpus: vm.cpus,
    minSpeed: 1000,
    maxSpeed: 1000,
    minRam: vm.memoryMb * 1024 * 1024,
    maxRam: vm.memoryMb * 1024 * 1024,
    arch: 'x86_64',
    bootArgs: '',
    ...(wired && vm.firmware !== undefined ? { bootType: vm.firmware, bootMode: 'LEGACY' } : {}),
    enableHA: false,
    limitCpuUse: false,
    enableDynamicallyScaleVm: false,
    vncPassword: 'Xk3vP0cUQ9sZJw',
    details: {
      cpuOvercommitRatio: '1.0',
      memoryOvercommitRatio: '1.0',
      ...vm.details,
      ...(deploying ? { deployvm: 'true' } : {}),
      ...(action === 'delete' ? { 'expunge.external.vm': 'true' } : {}),
    },
    uuid: vm.uuid,
    enterHardwareSetup: false,
    disks: [],
    nics: nicsFor(action, vm),
    ...(wired && vm.guest !== undefined ? { vmData: vmDataFor(vm.uuid, vm.guest) } : {}),
    configDriveLocation: 'SECONDARY',
    ...(wired
      ? {
          metadataManufacturer: 'Apache Software Foundation',
          metadataProductName: 'CloudStack External Hypervisor',
          networkIdToNetworkNameMap: { '204': 'D1-A2-Z1-S204' },
        }
      : {}),
  };
}

/** In CloudStack's order, which tells its own entries from a tenant's. */
function vmDataFor(
  uuid: string,
  { hostname, userData, keys, password }: VmGuest,
): readonly (readonly (string | null)[])[] {
  return [
    ...(userData === undefined ? [] : [['userdata', 'user_data', userData.toString('base64')]]),
    ['metadata', 'service-offering', 'Small'],
    ['metadata', 'local-hostname', hostname],
    ['metadata', 'local-ipv4', null],
    ['metadata', 'instance-id', uuid],
    ['metadata', 'vm-id', uuid],
    ['metadata', 'public-keys', keys?.join('\n') ?? null],
    ...(password === undefined ? [] : [['password', 'vm_password', password]]),
  ];
}

/** Only the calls that wire the instance carry its NICs, and those list the default NIC first. */
function nicsFor(action: string, { nics }: Vm): readonly Json[] {
  if (!['prepare', 'create', 'start', 'reboot'].includes(action)) return [];
  const listed = action === 'create' || action === 'start' ? [...nics].reverse() : nics;
  return [
    ...listed.filter(({ deviceId }) => deviceId === 0),
    ...listed.filter(({ deviceId }) => deviceId !== 0),
  ].map((nic) => nicFor(action, nic));
}

function nicFor(action: string, { deviceId, uuid, mac, vlan, uri, ip, dns, isDown }: VmNic): Json {
  const network = 204 + deviceId;
  const label = uri ?? `vlan://${vlan}`;
  const broadcastType = label.startsWith('vlan:') ? 'Vlan' : 'Vxlan';
  return {
    deviceId,
    defaultNic: deviceId === 0,
    pxeDisable: false,
    nicUuid: uuid,
    uuid: `c0a8e1de-1111-4f0b-9a40-0000000${network}00`.slice(0, 36).padEnd(36, '0'),
    networkId: network,
    networkSegmentName: `D1-A2-Z1-S${network}`,
    mac,
    ...(ip === undefined ? {} : { ip, netmask: '255.255.255.0', gateway: '10.1.1.1' }),
    ...(dns === undefined ? {} : { dns1: dns }),
    ...(isDown === true ? { enabled: false } : {}),
    type: 'Guest',
    // Before the network is implemented nobody knows its VLAN.
    ...(action === 'prepare' ? {} : { broadcastType, broadcastUri: label, isolationUri: label }),
    securityGroupEnabled: false,
    dpdkEnabled: false,
  };
}

/** Numbers and names of what a machine is doing, as MAAS has them. */
export const statuses = {
  new: [0, 'New'],
  commissioning: [1, 'Commissioning'],
  failed_commissioning: [2, 'Failed commissioning'],
  missing: [3, 'Missing'],
  ready: [4, 'Ready'],
  reserved: [5, 'Reserved'],
  deployed: [6, 'Deployed'],
  retired: [7, 'Retired'],
  broken: [8, 'Broken'],
  deploying: [9, 'Deploying'],
  allocated: [10, 'Allocated'],
  failed_deployment: [11, 'Failed deployment'],
  releasing: [12, 'Releasing'],
  failed_releasing: [13, 'Releasing failed'],
  disk_erasing: [14, 'Disk erasing'],
  failed_disk_erasing: [15, 'Failed disk erasing'],
  rescue_mode: [16, 'Rescue mode'],
  entering_rescue_mode: [17, 'Entering rescue mode'],
  failed_entering_rescue_mode: [18, 'Failed to enter rescue mode'],
  exiting_rescue_mode: [19, 'Exiting rescue mode'],
  failed_exiting_rescue_mode: [20, 'Failed to exit rescue mode'],
  testing: [21, 'Testing'],
  failed_testing: [22, 'Failed testing'],
} as const;

export type StatusLabel = keyof typeof statuses;

export interface FakeInterface {
  id: number;
  name: string;
  mac: string;
  subnet: { name: string; cidr: string };
  mode: 'auto' | 'static' | 'dhcp' | 'link_up';
  /** Static ones have it from the first, automatic ones from the deployment on. */
  ip: string;
}

export interface FakeEvent {
  id: number;
  level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  created: string;
  type: string;
  description: string;
}

/** A machine of the fake: what MAAS believes of it and what it really is. */
export interface FakeMachine {
  readonly systemId: string;
  hostname: string;
  status: StatusLabel;
  /** The status before the last change, to which mark_fixed and exit_rescue_mode go back. */
  previous: StatusLabel;
  statusMessage: string;
  errorDescription: string;
  owner: string;
  agentName: string;
  annotations: Record<string, string>;
  pool: string;
  zone: string;
  tags: string[];
  architecture: string;
  cpus: number;
  memoryMb: number;
  diskGb: number;
  locked: boolean;
  powerType: string;
  /** Whether it really has power, and what MAAS last heard of it. */
  powered: boolean;
  cachedPower: 'on' | 'off' | 'unknown' | 'error';
  /** `refuses` fails without a word, `fails` says so, `silent` never answers. */
  bmc: 'works' | 'refuses' | 'fails' | 'silent';
  /** The result of a deployment. */
  installs: 'well' | 'badly' | 'never';
  /** The result of an erasing. */
  erases: 'well' | 'badly';
  /** How many of the next deployments lose a race for an address to another machine's. */
  addressRaces: number;
  /** Guests that do not listen to a soft power-off. */
  deaf: boolean;
  ephemeral: boolean;
  osystem: string;
  series: string;
  /** Stands for all that is on the disks. */
  disk: string;
  userData: string | undefined;
  boots: number;
  busyUntilMs: number;
  interfaces: FakeInterface[];
  bootInterface: number;
  events: FakeEvent[];
  /** Counts the steps, so that a timer of an earlier one finds that it is late. */
  step: number;
}

let serial = 0;

export function newMachine(more: Partial<FakeMachine> = {}): FakeMachine {
  serial += 1;
  const digits = serial.toString(36).padStart(4, '0');
  const hex = serial.toString(16).padStart(4, '0');
  const nic = (id: number): FakeInterface => ({
    id,
    name: `eno${id}`,
    mac: `52:54:${hex.slice(0, 2)}:${hex.slice(2)}:00:0${id}`,
    subnet: { name: `net-${id}`, cidr: `10.${id}.0.0/16` },
    mode: 'auto',
    ip: '',
  });
  return {
    systemId: `sys${digits}`,
    hostname: `metal-${digits}`,
    status: 'ready',
    previous: 'ready',
    statusMessage: '',
    errorDescription: '',
    owner: '',
    agentName: '',
    annotations: {},
    pool: 'default',
    zone: 'default',
    tags: [],
    architecture: 'amd64/generic',
    cpus: 8,
    memoryMb: 32_768,
    diskGb: 480,
    locked: false,
    powerType: 'ipmi',
    powered: false,
    cachedPower: 'off',
    bmc: 'works',
    installs: 'well',
    erases: 'well',
    addressRaces: 0,
    deaf: false,
    ephemeral: false,
    osystem: '',
    series: '',
    disk: 'empty',
    userData: undefined,
    boots: 0,
    busyUntilMs: 0,
    // Not in the order of booting, so that a client that takes the first gets the wrong one.
    interfaces: [nic(2), nic(1)],
    bootInterface: 1,
    events: [],
    step: 0,
    ...more,
  };
}

/** A machine as the API shows it. */
export function show(machine: FakeMachine): Record<string, unknown> {
  const [number, name] = statuses[machine.status];
  const interfaces = machine.interfaces.map(showInterface);
  return {
    system_id: machine.systemId,
    hostname: machine.hostname,
    fqdn: `${machine.hostname}.maas`,
    status: number,
    status_name: name,
    status_message: machine.statusMessage,
    error_description: machine.errorDescription,
    owner: machine.owner === '' ? null : machine.owner,
    owner_data: machine.annotations,
    workload_annotations: machine.annotations,
    power_state: machine.cachedPower,
    power_type: machine.powerType,
    locked: machine.locked,
    pool: { id: 0, name: machine.pool, description: '' },
    zone: { id: 1, name: machine.zone, description: '' },
    tag_names: machine.tags,
    architecture: machine.architecture,
    cpu_count: machine.cpus,
    memory: machine.memoryMb,
    osystem: machine.osystem,
    distro_series: machine.series,
    ip_addresses: machine.interfaces.map(({ ip }) => ip).filter((ip) => ip !== ''),
    interface_set: interfaces,
    boot_interface: interfaces.find(({ id }) => id === machine.bootInterface) ?? null,
    resource_uri: `/MAAS/api/2.0/machines/${machine.systemId}/`,
  };
}

function showInterface({ id, name, mac, subnet, mode, ip }: FakeInterface) {
  const address = ip === '' ? {} : { ip_address: ip };
  return {
    id,
    name,
    mac_address: mac,
    type: 'physical',
    links: [{ id, mode, subnet: { id, ...subnet }, ...address }],
  };
}

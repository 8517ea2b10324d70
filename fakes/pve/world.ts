import { createClock } from './clock.ts';
import { createFaults } from './faults.ts';
import { createLocks } from './locks.ts';
import {
  defaultDurations,
  defaultGuest,
  defaultStorages,
  type Options,
  type StorageSetup,
  type TokenSetup,
} from './options.ts';
import { builtInRoles } from './roles.ts';
import { loadApi } from './schema.ts';
import { applyAtOnce } from './sdn-apply.ts';
import type { Node, State, Storage, Volume } from './state.ts';
import { splitVolumeId } from './storage.ts';
import { createTasks } from './tasks.ts';

const gib = 2 ** 30;

/** A cluster as the options describe it, with nothing in it yet. */
export function createWorld(options: Options): State {
  const version = options.version ?? '9.1';
  const clock = createClock(options.scale ?? 0.01);
  const faults = createFaults();
  const nodes = new Map<string, Node>();
  const durations: Record<string, number> = { ...defaultDurations, ...options.durations };
  const forkMs = (): number => durations['fork'] ?? 0;
  const state: State = {
    ...{ version, clock, faults, nodes, durations },
    api: loadApi(version),
    locks: createLocks(clock),
    tasks: createTasks(clock, faults, { next: (name) => nextPid(nodes.get(name)) }, forkMs),
    name: 'bench',
    tellsRefusals: options.tellsRefusals ?? false,
    quorate: true,
    storages: new Map((options.storages ?? defaultStorages).map((one) => [one.id, storage(one)])),
    volumes: new Set(),
    vms: new Map(),
    containers: new Map(),
    pools: new Map(
      (options.pools ?? []).map((id) => [id, { vms: new Set(), storages: new Set() }]),
    ),
    ha: new Map(),
    replication: new Map(),
    zones: new Map(),
    vnets: new Map(),
    sdn: {
      running: { zones: new Map(), vnets: new Map() },
      version: 0,
      lock: undefined,
      subnets: new Set(),
    },
    users: new Map(),
    tokens: new Map(),
    roles: new Map([
      ...builtInRoles(version),
      ...Object.entries(options.roles ?? {}).map(([id, names]) => [id, new Set(names)] as const),
    ]),
    acl: (options.acl ?? []).map((entry) => ({ propagate: true, ...entry })),
    options: new Map([
      ['keyboard', 'en-us'],
      ['description', ''],
      ['mac_prefix', 'BC:24:11'],
    ]),
    broadcasts: new Map(),
    consoles: [],
    guest: { ...defaultGuest, ...options.guest },
    clusterLog: [],
  };
  for (const [index, name] of (options.nodes ?? ['pve1', 'pve2']).entries()) {
    nodes.set(name, node(clock.now(), name, index, options.bridges ?? ['vmbr0', 'vmbr1']));
  }
  addUsers(state, options);
  for (const zone of options.zones ?? []) state.zones.set(zone.zone, zone);
  for (const [vnet, zone] of Object.entries(options.vnets ?? {})) {
    if (!state.zones.has(zone)) state.zones.set(zone, { zone, type: 'simple' });
    state.vnets.set(vnet, { vnet, zone, type: 'vnet' });
  }
  applyAtOnce(state);
  for (const iso of options.isos ?? ['local:iso/debian.iso', 'shared:iso/debian.iso']) {
    addIso(state, iso);
  }
  return state;
}

function nextPid(node: Node | undefined): number {
  if (node === undefined) return 1;
  node.nextPid += 3;
  return node.nextPid;
}

function storage(setup: StorageSetup): Storage {
  const { id, type = 'dir', content, shared = false, nodes } = setup;
  return {
    ...{ id, type, content, shared },
    ...(nodes === undefined ? {} : { nodes }),
    disabled: setup.disabled ?? false,
    mounted: true,
    path: setup.path ?? `/var/lib/${id}`,
    totalBytes: setup.totalBytes ?? 250 * gib,
    otherBytes: setup.otherBytes ?? 30 * gib,
  };
}

function node(nowMs: number, name: string, index: number, bridges: readonly string[]): Node {
  return {
    ...{ name, id: index + 1, ip: `10.99.0.${11 + index}`, online: true, reach: 'up' },
    sdn: { version: 0, bridges: new Set(), reloading: false, trouble: undefined },
    bridges: new Map(bridges.map((bridge, at) => [bridge, bridgeOf(bridge, index, at)])),
    totalMemory: 24 * gib,
    otherMemory: 2 * gib,
    cpus: 8,
    startedAt: nowMs,
    clockSkew: 0,
    nextPid: 160,
    port: 0,
    fingerprint: '',
    certificate: '',
  };
}

function bridgeOf(
  iface: string,
  index: number,
  at: number,
): Record<string, string | number | string[]> {
  const common = { iface, type: 'bridge', active: 1, autostart: 1, families: ['inet'] };
  const manual = { method: 'manual', method6: 'manual', priority: 4 + at };
  if (at > 0) return { ...common, ...manual, bridge_ports: '', bridge_vlan_aware: 1 };
  const address = `10.99.0.${11 + index}`;
  return {
    ...{ ...common, ...manual, method: 'static', address, cidr: `${address}/24`, netmask: '24' },
    ...{ gateway: '10.99.0.1', bridge_ports: 'eth0', bridge_stp: 'off', bridge_fd: '0' },
  };
}

function addUsers(state: State, options: Options): void {
  const passwords = { 'root@pam': 'root-password', ...options.users };
  for (const [id, password] of Object.entries(passwords)) {
    state.users.set(id, { id, password, enabled: true, expire: 0 });
  }
  const standard: TokenSetup = {
    id: 'root@pam!test',
    secret: '11111111-2222-3333-4444-555555555555',
  };
  for (const { id, secret, expire = 0, privsep = false } of [standard, ...(options.tokens ?? [])]) {
    const [, user] = /^([^!@]+@[^!@]+)![A-Za-z][\w.-]+$/.exec(id) ?? [];
    if (user === undefined) throw new Error(`"${id}" is no token id: it has to be user@realm!name`);
    if (!state.users.has(user)) state.users.set(user, { id: user, enabled: true, expire: 0 });
    state.tokens.set(id, { id, secret, expire, privsep });
  }
}

/** An ISO image on every node that has the storage. */
function addIso(state: State, volid: string): void {
  const [id, name] = splitVolumeId(volid);
  const place = state.storages.get(id);
  if (place === undefined) return;
  const nodes = place.shared ? [undefined] : [...state.nodes.keys()];
  for (const node of nodes) {
    const volume: Volume = {
      ...{ storage: id, name, content: 'iso', format: 'iso', size: 19_214_336, used: 19_214_336 },
      ...(node === undefined ? {} : { node }),
      ctime: Math.floor(state.clock.now() / 1000),
      snapshots: new Map(),
    };
    state.volumes.add(volume);
  }
}

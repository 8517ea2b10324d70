import { disksOf } from './drives.ts';
import { agentEnabled, cpuCount, isTemplate, memoryBytes } from './machines.ts';
import { parseSize } from './property-string.ts';
import type { State, Vm } from './state.ts';

type Fields = Record<string, unknown>;

export function diskBytes(vm: Vm): number {
  const boot = /order=([^;]*)/.exec(vm.config.get('boot') ?? '')?.[1];
  const disks = disksOf(vm.config);
  const [, first] = disks.find(([name]) => name === boot) ?? disks[0] ?? [];
  return first?.['size'] === undefined ? 0 : parseSize(first['size']);
}

/** A VM in the list of a node; live, not from a broadcast. */
export function listed(state: State, vm: Vm): Fields {
  const { config, vmid } = vm;
  const running = vm.power === 'running';
  const used = vm.memoryUsed ?? Math.floor(memoryBytes(config) / 8);
  const zero = { netin: 0, netout: 0, cpu: 0, disk: 0, ...ioOf(state) };
  return {
    ...zero,
    vmid,
    name: config.get('name') ?? `VM ${vmid}`,
    status: vm.power,
    cpus: cpuCount(config),
    maxmem: memoryBytes(config),
    maxdisk: diskBytes(vm),
    mem: running ? used : 0,
    uptime: running ? Math.floor((state.clock.now() - vm.startedAt) / 1000) : 0,
    ...(running ? { pid: vm.pid } : {}),
    ...optional(vm),
    ...ofVersion(state, vm, used),
  };
}

function optional(vm: Vm): Fields {
  const { config } = vm;
  const lock = config.get('lock');
  const tags = config.get('tags');
  return {
    ...(lock === undefined ? {} : { lock }),
    ...(tags === undefined ? {} : { tags }),
    ...(isTemplate(vm) ? { template: 1 } : {}),
    ...(config.has('serial0') ? { serial: 1 } : {}),
  };
}

/** 9.x tells what the host spends and how hard it is pressed. */
function ofVersion(state: State, vm: Vm, used: number): Fields {
  if (state.version === '8.4') return {};
  if (vm.power === 'stopped') return { memhost: 0 };
  const kinds = ['cpu', 'io', 'memory'].flatMap((kind) => [`${kind}some`, `${kind}full`]);
  const pressure = Object.fromEntries(kinds.map((kind) => [`pressure${kind}`, 0]));
  return { memhost: used, ...pressure };
}

/** 8.x counts them everywhere, 9.x no longer in its lists. */
function ioOf({ version }: State): Fields {
  return version === '8.4' ? { diskread: 0, diskwrite: 0 } : {};
}

/** `status/current`, which asks QEMU itself. */
export function current(state: State, vm: Vm): Fields {
  const running = vm.power === 'running';
  return {
    ...listed(state, vm),
    qmpstatus: running ? vm.qmp : 'stopped',
    ha: haOf(state, vm.vmid),
    ...(agentEnabled(vm.config) ? { agent: 1 } : {}),
    ...(running ? ofQemu(vm) : {}),
  };
}

function ofQemu(vm: Vm): Fields {
  const memory = memoryBytes(vm.config);
  const nics = [...vm.config.keys()].flatMap((option) => /^net(\d+)$/.exec(option)?.[1] ?? []);
  return {
    balloon: memory,
    diskread: 0,
    diskwrite: 0,
    ballooninfo: { actual: memory, max_mem: memory },
    'running-machine': 'pc-i440fx-7.2+pve0',
    'running-qemu': '7.2.0',
    'proxmox-support': {},
    nics: Object.fromEntries(nics.map((n) => [`tap${vm.vmid}i${n}`, { netin: 0, netout: 0 }])),
    blockstat: {},
  };
}

export function haOf(state: State, vmid: number): Fields {
  const resource = state.ha.get(`vm:${vmid}`);
  if (resource === undefined) return { managed: 0 };
  const { state: wanted, group } = resource;
  return { managed: 1, state: wanted, ...(group === undefined ? {} : { group }) };
}

/** The report of the pvestatd of the VM's node to the cluster, every ten seconds. */
export function broadcast(state: State): void {
  for (const vm of state.vms.values()) {
    const node = state.nodes.get(vm.node);
    if (node?.reach === 'up' && node.online) tell(state, vm);
  }
  for (const [vmid, { at }] of state.broadcasts) {
    const old = state.clock.now() - at > forgottenAfter;
    if (old || !state.vms.has(vmid)) state.broadcasts.delete(vmid);
  }
}

/** The report of a node is kept for so long, in the cluster's milliseconds. */
const forgottenAfter = 300_000;

export function tell(state: State, vm: Vm): void {
  state.broadcasts.set(vm.vmid, { at: state.clock.now(), figures: told(state, vm) });
}

function told(state: State, vm: Vm): Record<string, string | number> {
  const {
    cpus,
    pid: _pid,
    lock: _lock,
    serial: _serial,
    ...rest
  } = listed(state, vm) as Record<string, string | number>;
  const plain = Object.entries(rest).filter(([key]) => !key.startsWith('pressure'));
  const figures = { maxcpu: cpus ?? 1, diskread: 0, diskwrite: 0 };
  return { ...Object.fromEntries(plain), ...figures, template: isTemplate(vm) ? 1 : 0 };
}

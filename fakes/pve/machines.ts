import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { die } from './errors.ts';
import type { Property } from './schema.ts';
import type { Config, Guest, State, Vm } from './state.ts';

export function newVm(state: State, vmid: number, node: string, config: Config): Vm {
  return {
    ...{ vmid, node, config },
    pending: new Map(),
    pendingDelete: new Map(),
    snapshots: new Map(),
    power: 'stopped',
    qmp: 'stopped',
    startedAt: 0,
    pid: 0,
    guest: copyGuest(state.guest),
  };
}

export function copyGuest(guest: Guest): Guest {
  return { ...guest, files: new Map(guest.files) };
}

/** The VM whose configuration lies on that node; it dies with the real one's text otherwise. */
export function loadVm(state: State, vmid: number, node: string): Vm {
  return (
    findVm(state, vmid, node) ??
    die(`Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist`)
  );
}

export function findVm(state: State, vmid: number, node: string): Vm | undefined {
  const vm = state.vms.get(vmid);
  return vm?.node === node ? vm : undefined;
}

/** The error of calls that look for a running QEMU first. */
export function checkRunning(state: State, vmid: number, node: string): Vm {
  return (
    findVm(state, vmid, node) ??
    die(`unable to find configuration file for VM ${vmid} on node '${node}'`)
  );
}

export function checkLock(vm: Vm, except?: string): void {
  const lock = vm.config.get('lock');
  if (lock !== undefined && lock !== except) die(`VM is locked (${lock})`);
}

export function checkProtection(vm: Vm, what: string): void {
  if (vm.config.get('protection') === '1') die(`${what} - protection mode enabled`);
}

export function isTemplate(vm: Vm): boolean {
  return vm.config.get('template') === '1';
}

/** Writing below /etc/pve needs a majority of the nodes. */
export function demandQuorum(state: State): void {
  if (!state.quorate) die('cluster not ready - no quorum?');
}

/** The end of a write that was begun without the majority. */
export function failWrite(state: State, vmid: number, node: string, prefix = ''): void {
  if (state.quorate) return;
  const file = `/etc/pve/nodes/${node}/qemu-server/${vmid}.conf.tmp.${100 + (vmid % 900)}`;
  die(`${prefix}unable to open file '${file}' - Permission denied`);
}

export function randomMac(): string {
  const tail = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return `BC:24:11:${tail}`.toUpperCase();
}

export function randomId(): string {
  return randomUUID();
}

/** The configuration file: description as comment lines, then the options by name. */
export function printConfig(config: Config): string {
  const description = config.get('description');
  const comment = (description ?? '').split('\n').map((line) => `#${encodeText(line)}\n`);
  const options = [...config]
    .filter(([option]) => option !== 'description')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([option, value]) => `${option}: ${value}\n`);
  return [...(description === undefined ? [] : comment), ...options].join('');
}

/** Comments are kept with `:`, `%` and everything that is no printable ASCII percent-encoded. */
function encodeText(text: string): string {
  const encode = (byte: number): string =>
    byte < 0x20 || byte > 0x7e || byte === 0x25 || byte === 0x3a
      ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
      : String.fromCharCode(byte);
  return [...Buffer.from(text)].map(encode).join('');
}

export function parseConfig(text: string): Config {
  const comment: string[] = [];
  const config: Config = new Map();
  for (const line of text.split('\n')) {
    if (line.startsWith('#qmdump#')) continue;
    if (line.startsWith('#')) comment.push(decodeURIComponent(line.slice(1)));
    const [, option, value] = /^([a-z][a-z0-9_-]*): (.*)$/i.exec(line) ?? [];
    if (option !== undefined && value !== undefined) config.set(option, value);
  }
  if (comment.length > 0) config.set('description', comment.join('\n'));
  return config;
}

export function digestOf(vm: Vm): string {
  const parts = [vm.config, vm.pending, ...[...vm.snapshots.values()].map((one) => one.config)];
  const deleted = [...vm.pendingDelete.keys()].join(',');
  return createHash('sha1')
    .update(parts.map(printConfig).join('[]') + deleted)
    .digest('hex');
}

/** Numbers where the API has numbers, texts elsewhere: `memory` is a text, `cores` is not. */
export function typedConfig(state: State, config: Config): Record<string, string | number> {
  const typed: Record<string, string | number> = {};
  for (const [option, value] of config) typed[option] = typedValue(state.api.config[option], value);
  if ('cipassword' in typed) typed['cipassword'] = '**********';
  return typed;
}

export function typedValue(property: Property | undefined, value: string): string | number {
  const type = property?.type;
  return type === 'integer' || type === 'boolean' || type === 'number' ? Number(value) : value;
}

/** The configuration as it will be after the next start. */
export function withPending(vm: Vm): Config {
  const config: Config = new Map([...vm.config, ...vm.pending]);
  for (const option of vm.pendingDelete.keys()) config.delete(option);
  return config;
}

export function memoryBytes(config: Config): number {
  const text = config.get('memory') ?? '512';
  return Number(text.replace(/^current=/, '')) * 2 ** 20;
}

export function cpuCount(config: Config): number {
  const cores = Number(config.get('cores') ?? 1) * Number(config.get('sockets') ?? 1);
  return Number(config.get('vcpus') ?? cores);
}

export function agentEnabled(config: Config): boolean {
  const [first = '0'] = (config.get('agent') ?? '0').split(',');
  return first === '1' || first === 'enabled=1';
}

/** The guest's system is up and its agent answers. */
export function agentAnswers(state: State, vm: Vm): boolean {
  const up = state.clock.now() - vm.startedAt >= vm.guest.bootMs;
  return vm.power === 'running' && vm.qmp === 'running' && vm.guest.agent && up;
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { Mark } from '../../src/contract/machine.ts';
import { readMark, writeMark } from '../../src/lifecycle/mark.ts';
import { temporaryDirectory } from './scripts.ts';

export const installation = 'cs-1';

interface SimulatedMachine {
  readonly name: string;
  readonly mark?: Partial<Mark>;
  readonly power?: string;
  readonly template?: boolean;
  readonly protected?: boolean;
  readonly cpus?: number;
  /** VLAN by MAC address. */
  readonly nics?: Readonly<Record<string, number>>;
}

/** A system full of machines that are files, and the configuration that leads to it. */
export interface SimulatedHost {
  readonly config: string;
  readonly folder: string;
  plant(remoteId: string, machine: SimulatedMachine): void;
  damage(remoteId: string): void;
  markOf(remoteId: string): Mark | 'unreadable' | undefined;
}

export function createSimulatedHost(): SimulatedHost {
  const folder = temporaryDirectory();
  const state = join(folder, 'state/simulator');
  const machines = join(state, 'machines');
  mkdirSync(machines, { recursive: true, mode: 0o700 });
  mkdirSync(join(state, 'locks'));
  writeFileSync(join(state, 'simulator.json'), '{ "format": 1 }\n');
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ state_directory: join(folder, 'state') }));
  const fileOf = (remoteId: string): string => join(machines, `${remoteId}.json`);
  return {
    config,
    folder,
    plant: (remoteId, machine) =>
      writeFileSync(fileOf(remoteId), JSON.stringify(content(remoteId, machine))),
    damage: (remoteId) => writeFileSync(fileOf(remoteId), '{ "name": '),
    markOf: (remoteId) =>
      readMark(
        (JSON.parse(readFileSync(fileOf(remoteId), 'utf8')) as { description: string }).description,
      ),
  };
}

function content(remoteId: string, machine: SimulatedMachine): object {
  const { name, mark, power = 'on', template = false, cpus = 1, nics = {} } = machine;
  const whole = {
    uuid: uuidOf(name),
    name,
    installation,
    remoteId,
    state: 'built',
    origin: 'created',
  };
  return {
    ...{ name, power, template, cpus, node: 'sim1', home: 'sim1', boots: 1, snapshots: [] },
    description: mark === undefined ? 'own words' : writeMark({ ...whole, ...mark } as Mark),
    protected: machine.protected ?? false,
    memoryBytes: 1024 ** 3,
    nics: Object.entries(nics).map(([mac, id], deviceId) => ({
      ...{ deviceId, mac, uuid: `00000000-0000-4000-8000-00000000000${deviceId}` },
      segment: { kind: 'vlan', id },
    })),
    ...{ templateId: 'blank', storage: 'local', diskContent: remoteId },
    createdAt: '2026-11-24T10:00:00.000Z',
  };
}

/** The UUID of the instance `i-2-NUMBER-VM`. */
export function uuidOf(name: string): string {
  return `11111111-2222-4333-8444-${name.replace(/\D/g, '').padStart(12, '0')}`;
}

/** An instance as listVirtualMachines shows it. */
export function listed(name: string, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    ...{ id: uuidOf(name), instancename: name, name: `vm of a tenant`, state: 'Running' },
    ...{ hypervisor: 'External', cpunumber: 1, memory: 1024, nic: [], details: {} },
    ...more,
  };
}

/** A NIC as listVirtualMachines shows it. */
export function nic(macaddress: string, vlan: number): object {
  return { id: 'n', macaddress, deviceid: '0', broadcasturi: `vlan://${vlan}` };
}

/** Makes CloudStack know an extension for the simulator and hosts of it. */
export function introduce(
  { state }: FakeCloudStack,
  hosts: Readonly<Record<string, object>>,
): void {
  const id = 'extension-1';
  state.extensions.push({
    ...{ id, name: 'Sim', path: 'sim/outrigger', isUserDefined: true, description: '' },
    ...{ state: 'Enabled', pathReady: true, hidden: {}, reserved: '' },
    details: { provider: 'simulator', installation },
  });
  const cluster = state.clusters.find(({ name }) => name === 'ext');
  if (cluster === undefined) throw new Error('there is no cluster');
  cluster.registration = { extensionId: id, details: { installation } };
  for (const [name, details] of Object.entries(hosts)) {
    const prefixed = Object.entries(details).map(([key, value]) => [
      `External:${key}`,
      String(value),
    ]);
    state.hosts.push({
      ...{ id: name, name, clusterId: cluster.id },
      details: Object.fromEntries(prefixed) as Record<string, string>,
    });
  }
}

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { registry } from '../../../src/providers/index.ts';
import { anothersMark } from '../../conformance/another-owner.ts';
import type { Backend, DataDisk, Planted, RemoteMachine } from '../../conformance/backend.ts';
import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';

type Json = Record<string, unknown>;

/** Where the simulator keeps its machines for the user of a place. */
export function stateOf(place: Place): string {
  return join(place.folder, 'home/.local/state/outrigger/simulator');
}

/** The simulator's directory, looked at and disturbed as files, without the simulator's own code. */
export async function simulatorBackend(place: Place): Promise<Backend> {
  const state = stateOf(place);
  const machines = join(state, 'machines');
  const fileOf = (remoteId: string): string => join(machines, `${remoteId}.json`);
  const read = (remoteId: string): Json => JSON.parse(readFileSync(fileOf(remoteId), 'utf8'));
  const edit = (remoteId: string, change: Json): void =>
    writeFileSync(fileOf(remoteId), JSON.stringify({ ...read(remoteId), ...change }));
  let script: Details = {};
  const set = (on: boolean, more: Details): void => {
    script = on ? { ...script, ...more } : {};
  };
  let next = 1;
  makeState(state);

  return {
    registry: { simulator: registry['simulator'] as NonNullable<(typeof registry)[string]> },
    provider: 'simulator',
    details: () => ({ host: { node: 'sim1', ...script } }),
    chosen: { template_id: 'debian-12', disk_size_gb: '20' },
    secrets: [],
    lacks: {
      breakOff:
        'there is no request that could break off; simulator-processes.test.ts kills its processes',
      segments: 'its networks are words in a file, which holds any of them',
      elsewhereApi: 'there is no API',
      screen: 'it has no screens, only the address that the operator gives',
    },

    async machines() {
      const ids = readdirSync(machines).filter((file) => /^[^.].*\.json$/.test(file));
      return ids
        .sort()
        .map((file) => look(file.slice(0, -5), readFileSync(join(machines, file), 'utf8')));
    },
    async plant(machine) {
      const remoteId = `planted-${next++}`;
      writeFileSync(fileOf(remoteId), JSON.stringify(planted(remoteId, machine)));
      return remoteId;
    },
    removeBehind: async (remoteId) => unlinkSync(fileOf(remoteId)),
    outage: async (on) => set(on, { fail_actions: '*', fail_kind: 'unreachable' }),
    callsDuringOutage: async () => {
      const notes = join(state, 'failures.log');
      return existsSync(notes) ? readFileSync(notes, 'utf8').trimEnd().split('\n').length : 0;
    },
    withdrawRights: async (on) => set(on, { fail_actions: '*', fail_kind: 'blind' }),
    async copy(remoteId) {
      const copy = `copy-${next++}`;
      writeFileSync(fileOf(copy), readFileSync(fileOf(remoteId)));
      return copy;
    },
    async disown(remoteId) {
      const { description } = read(remoteId);
      edit(remoteId, { description: anothersMark(String(description)) });
      return { markStays: false, giveBack: async () => edit(remoteId, { description }) };
    },
    boots: async (remoteId) => Number(read(remoteId)['boots']),
    setPower: async (remoteId, power) => edit(remoteId, { power }),
    protect: async (remoteId) => edit(remoteId, { protected: true }),
    changeDisk: async (remoteId) => edit(remoteId, { diskContent: 'written over' }),
    async changeDataDisk(remoteId, name) {
      const disks = (read(remoteId)['disks'] ?? []) as Json[];
      const write = (disk: Json) => ({ ...disk, content: 'written over' });
      edit(remoteId, { disks: disks.map((d) => (`data-${d['number']}` === name ? write(d) : d)) });
    },
    dataDisks: async () =>
      readdirSync(machines).flatMap((file) =>
        disksOf(JSON.parse(readFileSync(join(machines, file), 'utf8'))).map(({ name }) => ({
          machine: file.slice(0, -5),
          name,
        })),
      ),
    damage: async (remoteId) => {
      const text = readFileSync(fileOf(remoteId), 'utf8');
      writeFileSync(fileOf(remoteId), text.slice(0, text.length / 2));
    },
    makeTemplate: async (remoteId) => edit(remoteId, { template: true }),
    slowTasks: async (on) => set(on, { slow_task_ms: '60000' }),
    taskMs: async (ms) => set(ms > 0, { slow_task_ms: String(ms) }),
    failTasks: async (on) => set(on, { fail_actions: '*', fail_at: 'task' }),
    fill: async (on) => set(on, { capacity_cpus: '1' }),
    ignoreShutdown: async (on) => set(on, { ignore_shutdown: 'true' }),
    elsewhere: { node: 'sim2', details: { host: { node: 'sim2' } } },
    move: async (remoteId, node) => edit(remoteId, { node }),
    close: async () => {},
  };
}

/** An empty system that was used before, so that there is something to put machines into. */
function makeState(state: string): void {
  mkdirSync(join(state, 'machines'), { recursive: true, mode: 0o700 });
  mkdirSync(join(state, 'locks'));
  writeFileSync(join(state, 'simulator.json'), '{ "format": 1 }\n');
  chmodSync(state, 0o700);
}

function look(remoteId: string, all: string): RemoteMachine {
  let machine: Json;
  try {
    machine = JSON.parse(all);
  } catch {
    const unknown = { name: '', power: 'other', mark: '', cpus: 0, memoryMb: 0, nics: [] } as const;
    return { remoteId, ...unknown, all };
  }
  const nics = machine['nics'] as { mac: string; segment: { kind: string; id?: number } }[];
  return {
    remoteId,
    name: String(machine['name']),
    power: machine['power'] as RemoteMachine['power'],
    mark: String(machine['description']),
    cpus: Number(machine['cpus']),
    memoryMb: Number(machine['memoryBytes']) / 1024 ** 2,
    nics: nics.map(({ mac, segment: { kind, id } }) => ({
      mac,
      vlan: kind === 'untagged' ? 'untagged' : id,
    })),
    disk: String(machine['diskContent']),
    dataDisks: disksOf(machine),
    all,
  };
}

function disksOf(machine: Json): readonly DataDisk[] {
  return ((machine['disks'] ?? []) as Json[]).map(({ number, attached, sizeGb, content }) => ({
    ...{ name: `data-${number}`, attached: attached === true },
    ...{ gib: Number(sizeGb), content: String(content) },
  }));
}

function planted(remoteId: string, { name, mark, power = 'off', template = false }: Planted): Json {
  return {
    name,
    node: 'sim1',
    home: 'sim1',
    power,
    description: mark === undefined ? 'the operator’s own words' : writeMark(mark(remoteId)),
    template,
    protected: false,
    cpus: 1,
    memoryBytes: 1024 ** 3,
    nics: [],
    templateId: 'blank',
    storage: 'local',
    diskContent: `planted ${remoteId}`,
    boots: 0,
    createdAt: '2026-11-24T10:00:00.000Z',
    snapshots: [],
  };
}

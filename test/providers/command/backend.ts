import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { isReading, type Reach } from '../../../src/providers/command/api/client.ts';
import { describeDriver } from '../../../src/providers/command/api/description.ts';
import { executableAt } from '../../../src/providers/command/api/executable.ts';
import { providerOver } from '../../../src/providers/command/api/learn.ts';
import { command } from '../../../src/providers/command/index.ts';
import { registry } from '../../../src/providers/index.ts';
import { anothersMark } from '../../conformance/another-owner.ts';
import type { Backend, Planted, RemoteMachine } from '../../conformance/backend.ts';
import { type Judge, judgeBy } from '../../conformance/break.ts';
import { deadlineIn } from '../../support/http-client.ts';
import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { type Forks, forksOf, killed } from './forks.ts';

type Json = Record<string, unknown>;
type State = { machines: Record<string, Json>; control: Json };

export const pythonMissing = existsSync('/usr/bin/python3')
  ? undefined
  : 'there is no /usr/bin/python3';

/** The folder of drivers that the configuration of a test's place names. */
export function driversIn(place: Pick<Place, 'folder'>): string {
  return join(place.folder, 'drivers');
}

/** The configuration under which a place runs drivers of the user that runs the tests. */
export function configured(place: Pick<Place, 'folder'>): void {
  const file = join(place.folder, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  const drivers = { directory: driversIn(place), owner: 'caller' };
  writeFileSync(file, JSON.stringify({ ...config, drivers }));
  mkdirSync(driversIn(place), { mode: 0o755 });
}

export const goodDriver = join(process.cwd(), 'test/providers/command/good.py');

let forks: Promise<Forks> | undefined;
after(async () => (await forks)?.close());

/**
 * The good driver over a system in one file, looked at and disturbed without the driver's code. Its
 * calls are forks; process.test.ts and wrong-drivers.test.ts play drivers that Outrigger itself starts.
 */
export async function commandBackend(place: Place): Promise<Backend> {
  let judge: Judge['judge'] = () => undefined;
  const reach: Reach = {
    driver: 'good',
    executable: () => executableAt(goodDriver),
    environment: {},
    async play(word, input, deadline) {
      const how = judge(!isReading(word));
      if (how === 'before') return killed;
      forks ??= forksOf(goodDriver);
      const ended = await (await forks).run({ word, input, deadline });
      return how === 'after' ? killed : ended;
    },
  };
  const site = {
    ...{ deadline: deadlineIn(20_000), log: () => {} },
    stateDirectory: () => place.folder,
  };
  const learned = providerOver(command, reach, await describeDriver(reach, site));
  return {
    ...overState(place, 'good'),
    registry: { command: async () => learned },
    async breakOff(where) {
      const judging = judgeBy(where);
      judge = judging.judge;
      return {
        changes: judging.changes,
        async mend() {
          judge = () => undefined;
        },
      };
    },
  };
}

/** The system in its file, for a driver of this name in the place's folder. */
export function overState(place: Place, driver: string): Backend {
  const file = join(place.folder, 'state.json');
  writeFileSync(file, JSON.stringify({ machines: {}, control: {} }));
  const read = (): State => JSON.parse(readFileSync(file, 'utf8'));
  const edit = (change: (state: State) => void): void => {
    const state = read();
    change(state);
    writeFileSync(file, JSON.stringify(state));
  };
  const set = (id: string, change: Json): void =>
    edit(({ machines }) => {
      machines[id] = { ...machines[id], ...change };
    });
  const control = (change: Json): void => edit((state) => Object.assign(state.control, change));
  const host: Details = { driver, state: file, password: 'open-sesame-77' };
  let next = 1;
  return {
    registry: { command: registry['command'] as NonNullable<(typeof registry)[string]> },
    provider: 'command',
    details: () => ({ host }),
    chosen: { template_id: 'debian-12', disk_size_gb: '20' },
    secrets: ['open-sesame-77'],
    lacks: {
      segments: 'its networks are words in a file, which holds any of them',
      elsewhereApi: 'there is no API',
      screen: 'it has no screens, only the address that the operator gives',
      elsewhere: 'the driver shows every machine on one node',
      move: 'the driver shows every machine on one node',
      hidePart: 'wrong-drivers.test.ts has a driver that hides a part',
      workLater: 'process.test.ts has a driver whose system works later',
      takeOver: 'a file has no users',
    },
    machines: async () => Object.values(read().machines).map(look),
    async plant(machine) {
      const id = `planted-${next++}`;
      edit(({ machines }) => {
        machines[id] = planted(id, machine);
      });
      return id;
    },
    removeBehind: async (id) => edit(({ machines }) => void delete machines[id]),
    outage: async (on) => control({ outage: on, calls: 0 }),
    callsDuringOutage: async () => Number(read().control['calls'] ?? 0),
    withdrawRights: async (on) => control({ blind: on }),
    async copy(id) {
      const copy = `copy-${next++}`;
      edit(({ machines }) => {
        machines[copy] = { ...machines[id], id: copy };
      });
      return copy;
    },
    async disown(id) {
      const { mark } = read().machines[id] ?? {};
      set(id, { mark: anothersMark(String(mark)) });
      return { markStays: false, giveBack: async () => set(id, { mark }) };
    },
    boots: async (id) => Number(read().machines[id]?.['boots']),
    setPower: async (id, power) => set(id, { state: power === 'suspended' ? 'paused' : power }),
    protect: async (id) => set(id, { guard: 'is protected against removal' }),
    changeDisk: async (id) => set(id, { disk: 'written over' }),
    damage: async (id) => set(id, { damaged: true }),
    makeTemplate: async (id) => set(id, { template: true }),
    slowTasks: async (on) => control({ taskMs: on ? 60_000 : 0 }),
    taskMs: async (ms) => control({ taskMs: ms }),
    failTasks: async (on) => control({ failTasks: on }),
    fill: async (on) => control({ full: on }),
    ignoreShutdown: async (on) => control({ ignoreShutdown: on }),
    close: async () => {},
  };
}

function look(machine: Json): RemoteMachine {
  const { id, name, state, mark, cpus, memoryBytes, nics = [], disk } = machine;
  return {
    remoteId: String(id),
    name: String(name),
    power: state as RemoteMachine['power'],
    mark: String(mark ?? ''),
    cpus: Number(cpus),
    memoryMb: Number(memoryBytes) / 1024 ** 2,
    nics: nics as RemoteMachine['nics'],
    disk: String(disk),
    all: JSON.stringify(machine),
  };
}

function planted(id: string, { name, mark, power = 'off', template }: Planted): Json {
  return {
    ...{ id, name, state: power, mark: mark === undefined ? null : writeMark(mark(id)) },
    ...{ cpus: 1, memoryBytes: 1024 ** 3, nics: [], disk: `planted ${id}`, snapshots: [] },
    ...(template === undefined ? {} : { template }),
  };
}

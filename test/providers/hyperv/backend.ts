import { randomUUID } from 'node:crypto';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { account } from '../../../fakes/winrm/acceptor.ts';
import {
  fileAt,
  gib,
  type HostState,
  type Machine,
  newMachine,
  put,
} from '../../../fakes/winrm/state.ts';
import { type FakeHyperV, type FakeOptions, startHyperV } from '../../../fakes/winrm/wsman.ts';
import { readMark, writeMark } from '../../../src/lifecycle/mark.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { anothersMark } from '../../conformance/another-owner.ts';
import type { Backend, DataDisk, Planted, RemoteMachine } from '../../conformance/backend.ts';
import { judgeBy } from '../../conformance/break.ts';
import type { Details } from '../../support/payloads.ts';

export interface HyperVBackend extends Backend {
  readonly fake: FakeHyperV;
}

/** Host details as an operator who pins the certificate writes them. */
export function hostDetails({ url }: FakeHyperV): Details {
  return {
    url,
    username: `${account.domain}\\${account.user}`,
    password: account.password,
    tls_fingerprint: fingerprintOf('trusted'),
    network_switch: 'External',
    vhd_path: 'D:\\Disks',
    vm_path: 'D:\\Machines',
  };
}

/** A fake host behind the suite's view of a remote system. */
export async function hyperVBackend(options: FakeOptions = {}): Promise<HyperVBackend> {
  const fake = await startHyperV(options);
  const { state } = fake;
  let before = 0;
  let astray = false;
  const vm = (remoteId: string): Machine => state.machines.get(remoteId) as Machine;
  return {
    fake,
    registry: { hyperv: async () => hyperv },
    provider: 'hyperv',
    details: () => ({
      host: { ...hostDetails(fake), ...(astray ? { url: `${fake.url}/other` } : {}) },
    }),
    chosen: { template_path: 'D:\\Templates\\debian-12.vhdx', generation: '2' },
    secrets: [account.password],
    lacks: {
      screen: 'its screens are shown over RDP, which CloudStack cannot',
      protect: 'Hyper-V has no guard of its own against removal',
      elsewhere: 'a host speaks for itself only; cluster roles are refused',
      move: 'a host speaks for itself only; cluster roles are refused',
    },
    machines: async () => [...state.machines.values()].map((each) => look(state, each)),
    plant: async (machine) => plant(state, machine),
    async removeBehind(remoteId) {
      for (const path of chains(state, [vm(remoteId)])) state.files.delete(path);
      state.machines.delete(remoteId);
    },
    async outage(on) {
      fake.outage(on);
      before = fake.server.seen.length;
    },
    elsewhereApi: async (on) => {
      astray = on;
    },
    callsDuringOutage: async () => fake.server.seen.length - before,
    // The disks of machines that carry no mark of this host's: the account may list them, but not read them.
    async hidePart(on) {
      const others = [...state.machines.values()].filter(
        ({ notes }) => readMark(notes) === undefined,
      );
      for (const path of others.flatMap(({ drives }) => drives.map((drive) => drive.path))) {
        const file = fileAt(state, path);
        if (on && file !== undefined) file.denied = true;
        else delete file?.denied;
      }
    },
    async disown(remoteId) {
      const machine = vm(remoteId);
      const was = machine.notes;
      machine.notes = anothersMark(was);
      const giveBack = async (): Promise<void> => {
        machine.notes = was;
      };
      return { markStays: false, giveBack };
    },
    withdrawRights: async (on) => {
      state.sees = !on;
    },
    async breakOff(where) {
      const { judge, changes } = judgeBy(where);
      fake.disturb((step) => judge(step !== '' && !reading.includes(step)));
      return {
        changes,
        async mend() {
          fake.disturb(undefined);
          // Windows ends a shell that gets no request any more; a process that was only interrupted has tidied up.
          if (where.lasts) fake.clearShells();
        },
      };
    },
    async copy(remoteId) {
      const id = randomUUID();
      state.machines.set(id, { ...structuredClone(vm(remoteId)), id });
      return id;
    },
    async setPower(remoteId, power) {
      vm(remoteId).state = power === 'saved' ? 'Saved' : 'Paused';
    },
    boots: async (remoteId) => vm(remoteId).boots,
    changeDisk: async (remoteId) => {
      const file = fileAt(state, vm(remoteId).drives[0]?.path ?? '');
      if (file !== undefined) file.content = 'written over';
    },
    async changeDataDisk(remoteId, name) {
      const disk = dataFilesOf(state, vm(remoteId)).find((each) => each.name === name);
      const file = disk === undefined ? undefined : fileAt(state, disk.path);
      if (file !== undefined) file.content = 'written over';
    },
    dataDisks: async () =>
      [...state.machines.values()].flatMap((machine) =>
        filesOfInstance(state, machine).map((path) => ({
          machine: machine.id,
          name: nameOfFile(path),
        })),
      ),
    damage: async (remoteId) => {
      const machine = vm(remoteId);
      machine.notes = machine.notes.slice(0, machine.notes.length / 2);
    },
    // Nothing on Hyper-V is a template; a replica must not be run or adopted either.
    makeTemplate: async (remoteId) => {
      vm(remoteId).replication = 'Replica';
    },
    slowTasks: async (on) => {
      state.taskMs = on ? 60_000 : 0;
    },
    taskMs: async (ms) => {
      state.taskMs = ms;
    },
    failTasks: async (on) => {
      state.failCopy = on;
    },
    fill: async (on) => {
      state.freeMemory = on ? gib / 2 : 64 * gib;
    },
    ignoreShutdown: async (on) => {
      state.ignoreShutdown = on;
    },
    async close() {
      await fake.close();
      // After every case the strict server has found nothing wrong, and no shell was left there.
      if (fake.complaints.length > 0) throw new Error(fake.complaints.join('\n'));
      if (fake.openShells() > 0) throw new Error(`${fake.openShells()} shells were left open`);
      const orphans = orphansOf(state);
      if (orphans.length > 0) throw new Error(`left behind: ${orphans.join(', ')}`);
    },
  };
}

/** The steps that only look, or hold something for no longer than their process lives. */
const reading: readonly string[] = [
  'machines',
  'machine',
  'inventory',
  'state',
  'resources',
  'users',
  'dataDisks',
  'snapshotDisks',
  'chain',
  'lock',
  'inspect',
];

function look(state: HostState, machine: Machine): RemoteMachine {
  const { boots: _, ...lasting } = machine;
  return {
    remoteId: machine.id,
    name: machine.name,
    power: powers[machine.state] ?? 'other',
    mark: machine.notes,
    cpus: machine.cpus,
    memoryMb: machine.memory / 1024 ** 2,
    nics: machine.adapters.map(({ mac, mode, vlan }) => ({
      mac: mac.toLowerCase().replace(/(..)(?=.)/g, '$1:'),
      vlan: mode === 'Untagged' ? 'untagged' : vlan,
    })),
    disk: fileAt(state, machine.drives[0]?.path ?? '')?.content ?? '',
    loose: looseOf(state, machine),
    dataDisks: dataFilesOf(state, machine).map(({ path: _path, ...disk }) => disk),
    all: JSON.stringify([lasting, chains(state, [machine]).map((path) => state.files.get(path))]),
  };
}

/** The disks of machines and everything below them, in small letters. */
function chains(state: HostState, machines: Iterable<Machine>): string[] {
  const paths: string[] = [];
  for (const { drives } of machines) {
    for (const drive of drives) {
      for (let path = drive.path; path !== ''; path = fileAt(state, path)?.parent ?? '') {
        paths.push(path.toLowerCase());
      }
    }
  }
  return paths;
}

/** The data disks of a machine's instance: those that are connected, then the files that are not. */
function dataFilesOf(state: HostState, machine: Machine): (DataDisk & { path: string })[] {
  const shown = (path: string, attached: boolean) => {
    const { size = 0, content = '' } = fileAt(state, path) ?? {};
    return { name: nameOfFile(path), attached, gib: size / gib, content, path };
  };
  const attached = machine.drives.filter(({ path }) => dataFile.test(path));
  const names = attached.map(({ path }) => nameOfFile(path));
  const loose = filesOfInstance(state, machine).filter((path) => !names.includes(nameOfFile(path)));
  return [
    ...attached.map(({ path }) => shown(path, true)),
    ...loose.map((path) => shown(path, false)),
  ];
}

function filesOfInstance(state: HostState, { notes }: Machine): string[] {
  const mark = readMark(notes);
  if (typeof mark !== 'object') return [];
  return [...state.files.keys()].filter(
    (path) => path.endsWith('.vhdx') && path.includes(`-${mark.uuid}-data`),
  );
}

const dataFile = /-data(\d+)(_[0-9a-f-]{36})?\.a?vhdx$/i;

function nameOfFile(path: string): string {
  return `data-${dataFile.exec(path)?.[1]}`;
}

/** Files in the folder for disks that no machine uses, nor is going to use. */
export function orphansOf(state: HostState): readonly string[] {
  const machines = [...state.machines.values()];
  const detached = machines.flatMap((each) => filesOfInstance(state, each));
  const loose = machines.flatMap((each) => looseOf(state, each));
  const used = [...chains(state, machines), ...loose, ...detached];
  return [...state.files.keys()].filter(
    (path) => path.startsWith('d:\\disks\\') && !used.includes(path),
  );
}

/** Disks that are there for a machine which is still being made, and not connected yet. */
function looseOf(state: HostState, machine: Machine): string[] {
  const mark = readMark(machine.notes);
  if (typeof mark !== 'object' || mark.state !== 'building') return [];
  const start = `d:\\disks\\${machine.name}-${machine.id}`.toLowerCase();
  const used = chains(state, [machine]);
  return [...state.files.keys()].filter((path) => path.startsWith(start) && !used.includes(path));
}

const powers: Readonly<Record<string, RemoteMachine['power']>> = {
  Running: 'on',
  Off: 'off',
  Paused: 'paused',
  Saved: 'saved',
};

function plant(state: HostState, { name, mark, power = 'off', template = false }: Planted): string {
  const machine = newMachine({ name });
  const path = `D:\\Disks\\${name}-${machine.id}.vhdx`;
  put(state, path, { content: `planted ${machine.id}`, size: 10 * gib, fileSize: gib, parent: '' });
  machine.drives.push({ path, controller: 'SCSI', location: 0 });
  machine.notes = mark === undefined ? 'the owner’s own words' : writeMark(mark(machine.id));
  machine.state = power === 'on' ? 'Running' : 'Off';
  machine.replication = template ? 'Replica' : 'None';
  state.machines.set(machine.id, machine);
  return machine.id;
}

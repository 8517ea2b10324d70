import { checkpointVm, removeCheckpoint, restoreCheckpoint } from './checkpoints.ts';
import * as cmdlet from './cmdlets.ts';
import { allDrives, chainOf, isGone, usersOf } from './disk-users.ts';
import { type File, fileAt, type HostState, type Machine, psError, put } from './state.ts';

/*
 * The steps of the scripts, each done with the host's cmdlets in the order that its script uses
 * them. The arguments come as the JSON that travelled.
 */

export type Given = Readonly<Record<string, unknown>>;

/** The PowerShell process that runs a step: what it holds lives as long as it does. */
export interface Session {
  readonly state: HostState;
  /** The parts of a seed that came, by their places. */
  readonly seed: Map<number, Buffer>;
  readonly held: Map<string, { from: string; to: string; doneAtMs: number; content: string }>;
  /** Waits, unless the process is killed before. */
  pause(ms: number): Promise<void>;
  /** Ends the process here and now. */
  die(): Promise<never>;
}

type Run = (given: Given, session: Session) => unknown;

const text = (value: unknown): string =>
  value === null || value === undefined ? '' : String(value);
const list = <T>(value: unknown): T[] => (Array.isArray(value) ? (value as T[]) : []);

function own(given: Given, { state }: Session): Machine {
  const machine = cmdlet.getVm(state, text(given['id']));
  if (machine.notes.includes(text(given['proof']))) return machine;
  throw notOwn();
}

function notOwn(): Error {
  return psError({
    id: 'OutriggerNotOwn',
    category: 'OperationStopped',
    message: 'OutriggerNotOwn',
  });
}

export const runs: Readonly<Record<string, Run>> = {
  machines: (_, { state }) => ({
    account: 'HV1\\svc-cloudstack',
    host: 'HV1',
    sees: state.sees,
    machines: !state.sees
      ? []
      : [...state.machines.values()].map(
          ({ id, name, state: now, notes, path, clustered, replication }) => ({
            ...{ id, name, state: now, notes, path, clustered, replication },
          }),
        ),
    cluster: state.cluster,
  }),

  machine: (given, { state }) => {
    const vm = cmdlet.getVm(state, text(given['id']));
    const { id, notes, generation, path, cpus, memory, minimum, adapters, media } = vm;
    return {
      ...{ id, notes, generation, path, cpus, memory, minimum, media },
      state: vm.state,
      busy: vm.merging ? ['InService', 'MergingDisks'] : ['Ok'],
      adapters: state.adaptersReversed ? [...adapters].reverse() : adapters,
      disks: vm.drives.map(({ path: file, controller, location }) => ({
        ...{ path: file, controller, location, number: 0 },
      })),
      checkpointDisks: vm.checkpoints.flatMap(({ drives }) => drives.map(({ path }) => path)),
      snapshots: vm.checkpoints.map(({ id: point, name, created, memory: saved, type }) => ({
        ...{ id: point, name, created, state: saved ? 'Saved' : 'Off', type },
      })),
    };
  },

  inventory: (given, { state }) => ({
    machines: [...state.machines.values()].map(({ id, cpus, memory, adapters, drives }) => ({
      ...{ id, cpus, memory },
      adapters: adapters.map(({ mac, mode, vlan }) => ({ mac, mode, vlan })),
      disks: drives.map(({ path }) => path),
    })),
    files: state.folders.has(text(given['folder']).toLowerCase())
      ? filesIn(state, text(given['folder']))
      : null,
  }),

  state: (given, { state }) => ({
    state: state.machines.get(text(given['id']).toLowerCase())?.state ?? '',
  }),

  resources: (given, { state }) => {
    const path = text(given['template']);
    const template = fileAt(state, path) && cmdlet.getVhd(state, path);
    const wanted = text(given['template']).toLowerCase();
    return {
      folder: state.folders.has(text(given['folder']).toLowerCase()),
      freeBytes: state.freeBytes,
      freeMemory: state.memorySeen ? cmdlet.freeMemory(state) : null,
      switches: state.switches,
      template:
        template === undefined
          ? null
          : { size: template.size, fileSize: template.fileSize, type: 'Dynamic' },
      users: allDrives(state)
        .filter(({ path }) => path.toLowerCase() === wanted)
        .map(({ vm }) => vm),
      iso: text(given['iso']) === '' || fileAt(state, text(given['iso'])) !== undefined,
    };
  },

  users: (given, { state }) =>
    usersOf(state, {
      id: text(given['id']),
      paths: list<string>(given['paths']),
      all: given['all'] === true,
    }),

  chain: (given, { state }) => ({ files: chainOf(state, text(given['path'])) }),

  make: async (given, { state, die }) => {
    const vm = cmdlet.newVm(state, {
      name: text(given['name']),
      generation: Number(given['generation']),
      memory: Number(given['memory']),
      path: text(given['path']),
    });
    if (state.dieUnmarked) await die();
    vm.notes = text(given['notes']).split(text(given['blank'])).join(vm.id);
    return { id: vm.id };
  },

  copy: async (given, session) => {
    const { state, held } = session;
    const [from, to] = [text(given['from']), text(given['to'])];
    let job = held.get('copy');
    if (job === undefined) {
      const source = fileAt(state, from);
      if (source === undefined)
        throw cmdlet.ioError(`"${from}" wurde nicht gefunden.`, -2147024894);
      if (fileAt(state, to)) throw cmdlet.ioError(`Die Datei "${to}" ist vorhanden.`, -2147024816);
      job = { from, to, doneAtMs: performance.now() + state.taskMs, content: copied(source) };
      put(state, to, { ...source, content: '', parent: '', locked: true });
      held.set('copy', job);
    }
    if (state.failCopy) {
      release(session);
      throw cmdlet.ioError(
        'Auf dem Datenträger ist nicht genug Speicherplatz verfügbar.',
        -2147024784,
      );
    }
    await session.pause(
      Math.min(Number(given['forMs']), Math.max(0, job.doneAtMs - performance.now())),
    );
    const done = performance.now() >= job.doneAtMs;
    const total = fileAt(state, from)?.fileSize ?? 0;
    if (done) {
      const target = fileAt(state, job.to);
      if (target !== undefined) target.content = job.content;
      release(session);
    }
    return { done, bytes: done ? total : total / 10, total };
  },

  disk: (given, { state }) => {
    const [path, parent] = [text(given['path']), text(given['parent'])];
    if (fileAt(state, path)) throw cmdlet.ioError(`"${path}" ist vorhanden.`, -2147024816);
    const below = parent === '' ? undefined : fileAt(state, parent);
    if (parent !== '' && below === undefined) throw cmdlet.ioError('fehlt', -2147024894);
    const size = below?.size ?? Number(given['bytes']);
    put(state, path, { content: copied(below), size, fileSize: 4_194_304, parent });
    return { size };
  },

  grow: (given, { state }) => {
    const path = text(given['path']);
    const file = cmdlet.getVhd(state, path);
    const before = file.size;
    if (before < Number(given['bytes'])) cmdlet.resizeVhd(state, path, Number(given['bytes']));
    return { before, size: file.size };
  },

  dataDisks: (given, { state }) => {
    const [folder, uuid] = [text(given['folder']), text(given['uuid'])];
    if (!state.folders.has(folder.toLowerCase())) {
      throw cmdlet.ioError(`"${folder}" kann nicht gefunden werden.`, -2147024893);
    }
    const own = new RegExp(`-${uuid}-data[^\\\\]*\\.vhdx$`, 'i');
    const files = filesIn(state, folder).filter((path) => own.test(path));
    const sizes = [...list<string>(given['paths']), ...files].map((path) => {
      const file = fileAt(state, path);
      return { path, size: file === undefined || file.denied === true ? null : file.size };
    });
    return { files, sizes };
  },

  snapshotDisks: (given, { state }) => ({
    disks: cmdlet
      .getVm(state, text(given['id']))
      .checkpoints.flatMap(({ id: snapshot, drives }) =>
        drives.map(({ path }) => ({ snapshot, path })),
      ),
  }),

  plug: (given, session) => {
    const vm = own(given, session);
    const [path, location] = [text(given['path']), Number(given['location'])];
    if (vm.drives.some((drive) => drive.path.toLowerCase() === path.toLowerCase())) {
      const id = 'OutriggerPlugged';
      throw psError({ id, category: 'OperationStopped', message: id });
    }
    const place = location < 0 ? {} : { location };
    const drive = cmdlet.addDisk(session.state, vm, { controller: 'SCSI', path, ...place });
    return { number: 0, location: drive.location };
  },

  unplug: (given, session) => {
    const vm = own(given, session);
    const path = text(given['path']).toLowerCase();
    for (const drive of vm.drives.filter((each) => each.path.toLowerCase() === path)) {
      cmdlet.removeDrive(vm, drive);
    }
    return { done: true };
  },

  attach: (given, session) => {
    const vm = own(given, session);
    const controller = vm.generation === 2 ? 'SCSI' : 'IDE';
    cmdlet.addDisk(session.state, vm, { controller, path: text(given['disk']) });
    vm.bootOrder = ['disk'];
    if (text(given['iso']) !== '') {
      cmdlet.changeMedia(session.state, vm, text(given['iso']));
      vm.bootOrder.push('dvd');
    }
    if (vm.generation === 2) vm.secureBoot = text(given['secure']);
    return { attached: true };
  },

  exchange: (given, session) => {
    const vm = own(given, session);
    const [from, to] = [text(given['from']), text(given['to'])];
    const at = (place: string) =>
      vm.drives.find(({ path }) => path.toLowerCase() === place.toLowerCase());
    const drive = at(from);
    if (drive !== undefined && vm.state !== 'Off') {
      throw cmdlet.invalidState('SetVMHardDiskDrive', vm);
    }
    if (drive !== undefined) drive.path = to;
    return { done: at(to) !== undefined };
  },

  notes: (given, session) => {
    const machine = own(given, session);
    if (given['unmarked'] === true && machine.notes.includes('[outrigger:')) throw notOwn();
    machine.notes = text(given['notes']);
    return { written: true };
  },

  shape: (given, session) => {
    const vm = own(given, session);
    cmdlet.setSize(vm, {
      cpus: Number(given['cpus']),
      memory: Number(given['memory']),
      minimum: Number(given['minimum']),
    });
    vm.startAction = text(given['startAction']);
    vm.stopAction = text(given['stopAction']);
    vm.checkpointType = text(given['checkpointType']);
    vm.automaticCheckpoints = false;
    return { shaped: true };
  },

  wire: (given, session) => {
    const vm = own(given, session);
    for (const id of list<string>(given['remove'])) cmdlet.removeAdapter(vm, id);
    for (const adapter of list<Parameters<typeof cmdlet.setAdapter>[2]>(given['adapters'])) {
      cmdlet.setAdapter(session.state, vm, adapter);
    }
    return { wired: true };
  },

  power: async (given, session) => {
    const { state } = session;
    const vm = own(given, session);
    const order = text(given['order']);
    if (order === 'ask') {
      if (vm.state !== 'Running') return { asked: false };
      state.shutdowns.push(state.wmi ? 'wmi' : 'cmdlet');
      if (!state.ignoreShutdown) setTimeout(() => cmdlet.turnOff(vm), 5).unref();
      return { asked: true };
    }
    await session.pause(order === 'start' ? state.taskMs : 0);
    if (order === 'start') cmdlet.startVm(state, vm);
    else if (order === 'cut') cmdlet.turnOff(vm);
    else if (order === 'reset') cmdlet.restart(vm);
    else if (order === 'pause') cmdlet.change(vm, 'SuspendVM', 'Running', 'Paused');
    else if (order === 'resume') cmdlet.change(vm, 'ResumeVM', 'Paused', 'Running');
    else if (order === 'forget') cmdlet.change(vm, 'RemoveVMSavedState', 'Saved', 'Off');
    else
      throw psError({ id: 'OutriggerUnknownOrder', category: 'OperationStopped', message: order });
    return { asked: true };
  },

  media: (given, session) => {
    cmdlet.changeMedia(session.state, own(given, session), text(given['iso']), text(given['seed']));
    return { done: true };
  },

  seedPart: (given, { seed }) => {
    const at = Number(given['at']);
    seed.set(at, Buffer.from(text(given['data']), 'base64'));
    return { at };
  },

  seed: (given, session) => {
    const { state, seed } = session;
    const vm = own(given, session);
    const sent = [...seed.values()].reduce((sum, { length }) => sum + length, 0);
    if (sent !== Number(given['sent'])) {
      const message = 'OutriggerSeedTorn';
      throw psError({ id: message, category: 'OperationStopped', message });
    }
    const image = Buffer.alloc(Number(given['bytes']));
    for (const [at, part] of seed) part.copy(image, at);
    seed.clear();
    const path = text(given['path']);
    state.folders.add(path.slice(0, path.lastIndexOf('\\')).toLowerCase());
    const content = image.toString('latin1');
    put(state, path, { content, size: image.length, fileSize: image.length, parent: '' });
    cmdlet.addDvd(vm, path);
    return { written: true };
  },

  checkpoint: async (given, session) => {
    const { state, pause } = session;
    const vm = own(given, session);
    const order = text(given['order']);
    await pause(state.taskMs);
    if (order === 'create') {
      const usual = vm.checkpointType;
      vm.checkpointType = text(given['type']);
      checkpointVm(state, vm, text(given['name']));
      vm.checkpointType = usual;
      return { done: true };
    }
    const wanted = text(given['snapshot']);
    for (const point of [...vm.checkpoints]) {
      const meant = point.id === wanted;
      if (order === 'restore' && meant) restoreCheckpoint(state, vm, point);
      if (order === 'remove' && (meant || wanted === '')) removeCheckpoint(state, vm, point);
    }
    return { done: true };
  },

  remove: (given, session) => {
    cmdlet.removeVm(session.state, own(given, session));
    return { removed: true };
  },

  erase: (given, session) => {
    const { state } = session;
    release(session);
    for (const path of list<string>(given['files'])) {
      const users = [...state.machines.values()].filter(({ drives, state: now }) => {
        return now === 'Running' && drives.some((drive) => drive.path === path);
      });
      if (users.length > 0 || fileAt(state, path)?.locked === true) {
        throw cmdlet.ioError(`"${path}" wird von einem anderen Prozess verwendet.`, -2147024864);
      }
      if (fileAt(state, path)?.denied === true) throw cmdlet.denied(path);
      if (!state.files.delete(path.toLowerCase()) && !isGone(state, path)) {
        throw cmdlet.ioError(`"${path}" kann nicht gefunden werden.`, -2147024893);
      }
    }
    removeFolder(state, text(given['folder']).toLowerCase());
    return { erased: true };
  },

  lock: async (given, session) => {
    const { state } = session;
    const uuid = text(given['uuid']);
    const untilMs = performance.now() + Number(given['forMs']);
    const free = (): boolean => [undefined, session].includes(state.locks.get(uuid) as Session);
    while (!free() && performance.now() < untilMs) await session.pause(5);
    if (!free()) return { got: false };
    state.locks.set(uuid, session);
    return { got: true };
  },

  inspect: (given, { state }) => ({
    version: '5.1.17763.7434',
    system: '10.0.17763.0',
    module: '2.0.0.0',
    paths: list<string>(given['paths']).map((path) => ({
      path,
      found: state.folders.has(path.toLowerCase()),
      trouble: path.startsWith('\\\\') ? 'PermissionDenied' : 'ObjectNotFound',
      freeBytes: state.folders.has(path.toLowerCase()) ? state.freeBytes : null,
    })),
    switches: state.switchTrouble === '' ? state.switches : [],
    switchTrouble: state.switchTrouble,
  }),
};

/** The files in the folder itself that are disks by their names. */
export function filesIn({ files }: HostState, folder: string): string[] {
  const start = `${folder.toLowerCase()}\\`;
  return [...files.keys()].filter(
    (path) => path.startsWith(start) && /^[^\\]+\.vhd[^\\]*$/.test(path.slice(start.length)),
  );
}

let copies = 0;

/** A copy starts to differ from its origin and from every other copy when it is first started. */
function copied(source: File | undefined): string {
  copies += 1;
  return `${source?.content ?? 'empty'} #${copies}`;
}

/** The files that the process held open are closed: a copy that was not finished stays as a file. */
export function release({ held, state }: Session): void {
  const job = held.get('copy');
  held.delete('copy');
  const file = job === undefined ? undefined : fileAt(state, job.to);
  if (file !== undefined) file.locked = false;
}

function removeFolder(state: HostState, folder: string): void {
  if (folder === '') return;
  const inside = [...state.folders].filter(
    (each) => each === folder || each.startsWith(`${folder}\\`),
  );
  for (const each of inside.sort((a, b) => b.length - a.length)) {
    const full = [...state.files.keys()].some((file) => file.startsWith(`${each}\\`));
    if (!full) state.folders.delete(each);
  }
}

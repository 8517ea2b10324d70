import { randomUUID } from 'node:crypto';
import {
  type Adapter,
  type Config,
  type Drive,
  type File,
  fileAt,
  type HostState,
  type Machine,
  newMachine,
  psError,
} from './state.ts';

/*
 * The effects and refusals of Hyper-V's cmdlets, as far as the scripts use them. Refusals speak German, as
 * on a German server; their identifiers and numbers are those of every server.
 */

const commands = 'Microsoft.HyperV.PowerShell.Commands';

export function invalidState(command: string, machine: Machine): Error {
  return psError({
    id: `InvalidState,${commands}.${command}`,
    category: 'InvalidOperation',
    message: `Der Vorgang kann nicht ausgeführt werden, während sich das Objekt im aktuellen Status befindet (${machine.state}).`,
  });
}

function notFound(command: string, what: string): Error {
  return psError({
    id: `ObjectNotFound,${commands}.${command}`,
    category: 'ObjectNotFound',
    message: `${what} wurde auf diesem Server nicht gefunden.`,
  });
}

export function ioError(message: string, code: number): Error {
  const type = 'System.IO.IOException';
  return psError({ id: 'IOException', category: 'NotSpecified', message, type, code });
}

export function denied(path: string): Error {
  return psError({
    id: 'AccessDenied,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD',
    category: 'PermissionDenied',
    message: `Der Zugriff auf "${path}" wurde verweigert.`,
  });
}

export function getVhd(state: HostState, path: string): File {
  const file = fileAt(state, path);
  if (file === undefined) throw ioError(`"${path}" fehlt.`, -2147024894);
  if (file.denied === true) throw denied(path);
  return file;
}

/** Disks on IDE grow only while their machine is off, and none grows inside a chain of checkpoints. */
export function resizeVhd(state: HostState, path: string, bytes: number): void {
  const same = (other: string): boolean => other.toLowerCase() === path.toLowerCase();
  const inChain =
    /\.avhdx?$/i.test(path) || [...state.files.values()].some(({ parent }) => same(parent));
  const online = [...state.machines.values()].some(
    (machine) =>
      machine.state !== 'Off' &&
      machine.drives.some((drive) => same(drive.path) && drive.controller === 'IDE'),
  );
  if (inChain || online) {
    throw psError({
      id: 'OperationFailed,Microsoft.Vhd.PowerShell.Cmdlets.ResizeVHD',
      category: 'InvalidOperation',
      message: `Die Größe von "${path}" kann nicht geändert werden.`,
    });
  }
  getVhd(state, path).size = bytes;
}

export function getVm(state: HostState, id: string): Machine {
  const machine = state.machines.get(id.toLowerCase());
  if (machine !== undefined) return machine;
  throw psError({
    id: `InvalidParameter,${commands}.GetVM`,
    category: 'InvalidArgument',
    message: 'Hyper-V hat keinen virtuellen Computer mit dieser ID gefunden.',
  });
}

const mib = 1024 ** 2;

export function newVm(
  state: HostState,
  given: { name: string; generation: number; memory: number; path: string },
): Machine {
  const { name, generation, memory, path } = given;
  if (memory % (2 * mib) !== 0 || memory < 32 * mib) {
    throw psError({
      id: `InvalidParameter,${commands}.NewVM`,
      category: 'InvalidArgument',
      message: 'Die Speichermenge ist ungültig.',
    });
  }
  const machine = newMachine({
    name,
    generation,
    memory,
    path: `${path}\\${name}`,
    media: generation === 1 ? [''] : [],
  });
  machine.adapters.push({ ...blankAdapter('Netzwerkkarte'), dynamic: true });
  state.folders.add(path.toLowerCase());
  state.folders.add(machine.path.toLowerCase());
  state.machines.set(machine.id, machine);
  return machine;
}

function blankAdapter(name: string): Adapter {
  return {
    id: `Microsoft:${randomUUID().toUpperCase()}\\${randomUUID().toUpperCase()}`,
    name,
    mac: '000000000000',
    dynamic: false,
    switch: '',
    mode: 'Untagged',
    vlan: 0,
    addresses: [],
  };
}

export function setSize(
  machine: Machine,
  given: Pick<Config, 'cpus' | 'memory' | 'minimum'>,
): void {
  if (machine.state !== 'Off') throw invalidState('SetVMProcessor', machine);
  if (given.minimum > given.memory) throw new Error('minimum above start-up memory');
  Object.assign(machine, given);
}

export function removeAdapter(machine: Machine, id: string): void {
  if (machine.state !== 'Off') throw invalidState('RemoveVMNetworkAdapter', machine);
  machine.adapters = machine.adapters.filter((adapter) => adapter.id !== id);
}

export function setAdapter(
  state: HostState,
  machine: Machine,
  {
    id,
    name,
    mac,
    switch: wanted,
    vlan,
  }: {
    id: string;
    name: string;
    mac: string;
    switch: string;
    vlan: number;
  },
): void {
  if (machine.state !== 'Off') throw invalidState('SetVMNetworkAdapter', machine);
  if (!/^[0-9A-F]{12}$/.test(mac)) throw new Error(`${mac} is no MAC address for Hyper-V`);
  const connected = state.switches.find((each) => each.toLowerCase() === wanted.toLowerCase());
  if (connected === undefined) throw notFound('AddVMNetworkAdapter', wanted);
  let adapter = machine.adapters.find((each) => each.id === id);
  if (adapter === undefined) {
    adapter = blankAdapter(name);
    machine.adapters.push(adapter);
  }
  const mode = vlan === 0 ? 'Untagged' : 'Access';
  Object.assign(adapter, { mac, dynamic: false, switch: connected, mode, vlan });
}

export function addDisk(
  state: HostState,
  machine: Machine,
  { controller, path, location }: Omit<Drive, 'location'> & { readonly location?: number },
): Drive {
  if (fileAt(state, path) === undefined) throw notFound('AddVMHardDiskDrive', path);
  if (machine.generation === 2 && !/x$/i.test(path))
    throw invalidState('AddVMHardDiskDrive', machine);
  const same = (each: string): boolean => each.toLowerCase() === path.toLowerCase();
  const users = [...state.machines.values()].filter((each) =>
    each.drives.some((d) => same(d.path)),
  );
  // A file is locked by the machine that runs with it, and no machine has one twice.
  if (users.some((each) => each === machine || each.state !== 'Off')) {
    throw invalidState('AddVMHardDiskDrive', machine);
  }
  if (controller === 'IDE' && machine.state !== 'Off') {
    throw invalidState('AddVMHardDiskDrive', machine);
  }
  const taken = new Set(
    machine.drives.filter((d) => d.controller === controller).map((drive) => drive.location),
  );
  let free = 0;
  // A DVD drive of generation 2 has a place on the same controller.
  if (controller === 'SCSI' && machine.media.length > 0) taken.add(1);
  while (taken.has(free)) free += 1;
  // On IDE the place is named, on SCSI the next free one is taken unless one is.
  const place = controller === 'IDE' ? 0 : (location ?? free);
  if (taken.has(place) || place > 63) throw invalidState('AddVMHardDiskDrive', machine);
  const drive: Drive = { path, controller, location: place };
  machine.drives.push(drive);
  return drive;
}

/** On SCSI also while the machine runs; the file stays. */
export function removeDrive(machine: Machine, drive: Drive): void {
  if (drive.controller === 'IDE' && machine.state !== 'Off') {
    throw invalidState('RemoveVMHardDiskDrive', machine);
  }
  machine.drives = machine.drives.filter((each) => each !== drive);
}

/** Drives are on IDE in generation 1, where none can be added to a running machine. */
export function changeMedia(state: HostState, machine: Machine, iso: string, seed = ''): void {
  const isSeed = (path: string): boolean => path !== '' && path === seed;
  if (iso === '') {
    machine.media = machine.media.map((path) => (isSeed(path) ? path : ''));
    return;
  }
  if (fileAt(state, iso) === undefined) throw notFound('SetVMDvdDrive', iso);
  const at = machine.media.findIndex((path) => !isSeed(path));
  const none = at < 0;
  if (none && machine.generation === 1 && machine.state !== 'Off') {
    throw invalidState('AddVMDvdDrive', machine);
  }
  machine.media = none
    ? [...machine.media, iso]
    : machine.media.map((path, i) => (i === at ? iso : path));
}

/** Add-VMDvdDrive, unless the image is in a drive already. */
export function addDvd(machine: Machine, path: string): void {
  if (machine.media.includes(path)) return;
  if (machine.generation === 1 && machine.state !== 'Off') {
    throw invalidState('AddVMDvdDrive', machine);
  }
  // Four places of generation 1 are on IDE, disks and drives together.
  if (machine.generation === 1 && machine.media.length + machine.drives.length > 3) {
    throw invalidState('AddVMDvdDrive', machine);
  }
  machine.media.push(path);
}

function memoryInUse({ machines }: HostState): number {
  return [...machines.values()]
    .filter(({ state }) => state === 'Running' || state === 'Paused')
    .reduce((sum, { memory }) => sum + memory, 0);
}

export function freeMemory(state: HostState): number {
  return Math.max(0, state.freeMemory - memoryInUse(state));
}

export function startVm(state: HostState, machine: Machine): void {
  if (machine.state === 'Running') return;
  if (machine.state !== 'Off' && machine.state !== 'Saved') throw invalidState('StartVM', machine);
  if (machine.memory > freeMemory(state)) {
    throw psError({
      id: `OutOfMemory,${commands}.StartVM`,
      category: 'FromStdErr',
      message: `"${machine.name}" konnte nicht gestartet werden. Nicht genügend Systemressourcen (0x800705AA).`,
    });
  }
  const lacking = machine.drives.find(({ path }) => fileAt(state, path) === undefined);
  if (lacking !== undefined) throw notFound('StartVM', lacking.path);
  if (machine.state === 'Off') machine.boots += 1;
  machine.state = 'Running';
}

export function turnOff(machine: Machine): void {
  if (machine.state === 'Saved') throw invalidState('StopVM', machine);
  machine.state = 'Off';
}

export function restart(machine: Machine): void {
  if (machine.state !== 'Running' && machine.state !== 'Paused') {
    throw invalidState('RestartVM', machine);
  }
  machine.state = 'Running';
  machine.boots += 1;
}

export function change(machine: Machine, command: string, from: string, to: string): void {
  if (machine.state !== from) throw invalidState(command, machine);
  machine.state = to;
}

export function removeVm(state: HostState, machine: Machine): void {
  if (!['Off', 'Saved'].includes(machine.state)) throw invalidState('RemoveVM', machine);
  state.machines.delete(machine.id);
}

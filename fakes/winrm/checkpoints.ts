import { randomUUID } from 'node:crypto';
import {
  type Checkpoint,
  type Config,
  type Drive,
  fileAt,
  type HostState,
  type Machine,
  put,
} from './state.ts';

/*
 * Checkpoints and the chains of files that they make. A checkpoint keeps the files of its day; the machine goes
 * on in new ones that only hold what differs. When a checkpoint is gone, Hyper-V merges the files that nothing
 * needs any more into those below them, one after the other, while the machine may run.
 */

const checkpointFile = /\.avhdx?$/i;

export function checkpointVm(
  state: HostState,
  machine: Machine,
  name: string,
  type: Checkpoint['type'] = 'Standard',
): void {
  const contents = machine.drives.map(({ path }) => fileAt(state, path)?.content ?? '');
  machine.checkpoints.push({
    id: randomUUID(),
    name,
    created: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    memory: machine.state === 'Running' && machine.checkpointType === 'Standard',
    type,
    drives: machine.drives.map((drive) => ({ ...drive })),
    contents,
    config: configOf(machine),
  });
  machine.drives = branched(state, machine.drives, contents);
}

/** Everything of that day comes back: name, notes, size, drives and network adapters too. The files written since then go. */
export function restoreCheckpoint(state: HostState, machine: Machine, point: Checkpoint): void {
  const { config, contents, memory } = point;
  Object.assign(machine, { ...config, adapters: config.adapters.map((each) => ({ ...each })) });
  const left = machine.drives.map(({ path }) => path);
  machine.drives = branched(state, point.drives, contents);
  machine.state = memory ? 'Saved' : 'Off';
  for (const path of left) {
    if (checkpointFile.test(path) && !isNeeded(machine, path)) drop(state, path);
  }
}

export function removeCheckpoint(state: HostState, machine: Machine, point: Checkpoint): void {
  machine.checkpoints = machine.checkpoints.filter((each) => each !== point);
  machine.loose.push(...point.drives.map(({ path }) => path));
  if (state.mergesFail || machine.merging) return;
  machine.merging = true;
  setTimeout(() => mergeNext(state, machine), state.mergeMs).unref();
}

/** One merge, and the next one after as long again. */
function mergeNext(state: HostState, machine: Machine): void {
  for (const path of machine.loose) {
    if (!state.mergesFail && mergeInto(state, machine, path)) {
      setTimeout(() => mergeNext(state, machine), state.mergeMs).unref();
      return;
    }
  }
  machine.merging = false;
}

/** Whether there was something to do: a file with two branches above it stays until one of them is gone. */
function mergeInto(state: HostState, machine: Machine, path: string): boolean {
  const file = fileAt(state, path);
  const above = file === undefined ? [] : childrenOf(state, machine, path);
  const [child] = above;
  if (above.length > 1 && !isNeeded(machine, path)) return false;
  machine.loose = machine.loose.filter((each) => !isSame(each, path));
  if (file === undefined || isNeeded(machine, path)) return true;
  if (child === undefined) {
    if (checkpointFile.test(path)) drop(state, path);
    return true;
  }
  const upper = fileAt(state, child);
  Object.assign(file, { content: upper?.content, size: upper?.size });
  for (const each of state.files.values()) if (isSame(each.parent, child)) each.parent = path;
  const moved = (drives: readonly Drive[]): Drive[] =>
    drives.map((drive) => (isSame(drive.path, child) ? { ...drive, path } : drive));
  machine.drives = moved(machine.drives);
  machine.checkpoints = machine.checkpoints.map((each) => ({
    ...each,
    drives: moved(each.drives),
  }));
  machine.loose = machine.loose.map((each) => (isSame(each, child) ? path : each));
  drop(state, child);
  return true;
}

/** The machine's own files that build on this one; Hyper-V knows nothing of those of other machines. */
function childrenOf(state: HostState, machine: Machine, path: string): string[] {
  const tops = [...drivesOf(machine).map((drive) => drive.path), ...machine.loose];
  const own = new Set(tops.flatMap((top) => ancestry(state, top)));
  return [...own].filter((each) => isSame(fileAt(state, each)?.parent ?? '', path));
}

function ancestry(state: HostState, path: string): string[] {
  const files: string[] = [];
  for (let at = path; at !== ''; at = fileAt(state, at)?.parent ?? '') files.push(at.toLowerCase());
  return files;
}

function drivesOf({ drives, checkpoints }: Machine): readonly Drive[] {
  return [...drives, ...checkpoints.flatMap((point) => point.drives)];
}

/** Whether the machine is in the file now, or one of its checkpoints was. */
function isNeeded(machine: Machine, path: string): boolean {
  return drivesOf(machine).some((drive) => isSame(drive.path, path));
}

function branched(
  state: HostState,
  drives: readonly Drive[],
  contents: readonly string[],
): Drive[] {
  return drives.map((drive, index) => {
    const content = contents[index] ?? '';
    const below = fileAt(state, drive.path);
    const root = drive.path.replace(/(_[0-9A-F-]{36})?\.a?vhdx$/i, '');
    const path = `${root}_${randomUUID().toUpperCase()}.avhdx`;
    put(state, path, { content, size: below?.size ?? 0, fileSize: 0, parent: drive.path });
    return { ...drive, path };
  });
}

function configOf({ name, notes, cpus, memory, minimum, adapters }: Machine): Config {
  return { name, notes, cpus, memory, minimum, adapters: adapters.map((each) => ({ ...each })) };
}

function drop({ files }: HostState, path: string): void {
  files.delete(path.toLowerCase());
}

function isSame(path: string, other: string): boolean {
  return path.toLowerCase() === other.toLowerCase();
}

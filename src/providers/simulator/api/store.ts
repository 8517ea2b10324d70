import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { withLock } from '../../../kit/lock-file.ts';
import { systemCode } from '../../../kit/system-error.ts';
import type { Machine } from './machine.ts';
import { formatMachine, parseMachine } from './machine-file.ts';

/** The file of one id; without a machine it is a file that does not describe one. */
export interface Found {
  readonly remoteId: string;
  readonly machine: Machine | undefined;
}

/**
 * How much a list of machines says: everything, nothing since no machine was ever made here, or
 * nothing since the machines that were here were taken away.
 */
export type Visibility = 'clear' | 'new' | 'hidden';

/**
 * The simulated system: a directory with one file per machine. It stands where other providers have
 * their client, and does what it is told without asking whose machine it is.
 */
export interface Store {
  visibility(): Visibility;
  list(): readonly Found[];
  /** Replaces the file in one step: a reader sees the old machine or the new one. */
  write(machine: Machine): void;
  /** Changes the machine as its file has it now; fails when it is gone. */
  update(remoteId: string, change: (now: Machine) => Machine): Machine;
  remove(remoteId: string): void;
  /** Runs the work while no other process does any under the same key. */
  locked<T>(key: string, what: string, work: () => Promise<T>): Promise<T>;
  /** Leaves a line behind, so that a test can count the calls that came this far. */
  note(line: string): void;
}

export const idPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The size to which the notes about scripted failures may grow. */
const mostNoteBytes = 1_000_000;

/** A draft lives for a moment: one this old was left by a process that was killed over it. */
const draftMs = 60_000;

/** The store in a directory; nothing is made there before there is something to be kept. */
export function openStore(directory: string, deadline: Deadline): Store {
  const machines = `${directory}/machines`;
  const locks = `${directory}/locks`;
  const sign = `${directory}/simulator.json`;
  const notes = `${directory}/failures.log`;
  const fileOf = (remoteId: string): string => `${machines}/${remoteId}.json`;

  const begin = (): void => {
    if (exists(machines)) return;
    // The sign comes first: where the machines' directory is, it was there before.
    writeFileSync(sign, '{ "format": 1 }\n', { mode: 0o600 });
    mkdirSync(machines, { recursive: true, mode: 0o700 });
  };

  const write = (machine: Machine): void => {
    const { remoteId } = machine;
    // One name per machine, since only one process at a time changes it; it starts with a dot, so
    // that what a killed process leaves is never taken for a machine. The next change clears it away.
    const draft = `${machines}/.${remoteId}.draft`;
    attempt(`write machine ${remoteId}`, () => {
      begin();
      writeFileSync(draft, formatMachine(machine), { mode: 0o600 });
      renameSync(draft, fileOf(remoteId));
    });
  };

  return {
    write,
    update(remoteId, change) {
      const [now] = attempt(`read machine ${remoteId}`, () => readFound(machines, remoteId));
      if (now?.machine === undefined) throw gone(remoteId);
      const changed = change(now.machine);
      write(changed);
      return changed;
    },
    visibility() {
      if (exists(sign)) return exists(machines) ? 'clear' : 'hidden';
      return exists(machines) ? 'hidden' : 'new';
    },
    list: () =>
      attempt(`list ${machines}`, () =>
        (exists(machines) ? readdirSync(machines) : [])
          .filter((file) => file.endsWith('.json') && idPattern.test(file.slice(0, -5)))
          .flatMap((file) => readFound(machines, file.slice(0, -5))),
      ),
    remove: (remoteId) =>
      attempt(`remove machine ${remoteId}`, () => rmSync(fileOf(remoteId), { force: true })),
    locked(key, what, work) {
      attempt(`make ${locks}`, () => {
        mkdirSync(locks, { recursive: true, mode: 0o700 });
        clearDrafts(machines);
      });
      return withLock(`${locks}/${key}`, { deadline, what }, work);
    },
    note: (line) =>
      attempt('write down a scripted failure', () => {
        if ((statSync(notes, { throwIfNoEntry: false })?.size ?? 0) > mostNoteBytes) return;
        appendFileSync(notes, `${line}\n`, { mode: 0o600 });
      }),
  };
}

function gone(remoteId: string): Failure {
  return new Failure('conflict', `Machine ${remoteId} was removed meanwhile, or cannot be read`, {
    advice: 'Try again',
  });
}

function readFound(machines: string, remoteId: string): readonly Found[] {
  try {
    const text = readFileSync(`${machines}/${remoteId}.json`, 'utf8');
    return [{ remoteId, machine: parseMachine(remoteId, text) }];
  } catch (error) {
    const code = systemCode(error);
    // Removed by another process since it was listed.
    if (code === 'ENOENT') return [];
    if (code === 'EISDIR' || code === 'EACCES') return [{ remoteId, machine: undefined }];
    throw error;
  }
}

/** Several processes may be at it at the same time. */
function clearDrafts(machines: string): void {
  for (const file of exists(machines) ? readdirSync(machines) : []) {
    if (!file.endsWith('.draft')) continue;
    const path = `${machines}/${file}`;
    const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - writtenMs > draftMs) rmSync(path, { force: true });
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Files are this system's connection: what the operating system says is told as what it means. */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    const denied = code === 'EACCES' || code === 'EPERM';
    throw new Failure(denied ? 'denied' : 'upstream', `Could not ${what}: ${code}`, {
      cause: error,
      advice: denied
        ? 'The directory has to belong to the user who runs this'
        : 'Look at the disk that holds the state directory',
    });
  }
}

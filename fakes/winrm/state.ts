import { randomUUID } from 'node:crypto';
import { conversation } from '../../src/providers/hyperv/api/protocol.ts';

/*
 * A Hyper-V host as the cmdlets find it. Everything that a test wants to see or disturb is here.
 */

export interface Adapter {
  readonly id: string;
  name: string;
  mac: string;
  dynamic: boolean;
  switch: string;
  mode: 'Untagged' | 'Access' | 'Trunk';
  vlan: number;
  addresses: string[];
}

export interface Drive {
  path: string;
  /** A whole physical disk, which has a number and no file. */
  readonly diskNumber?: number;
  readonly controller: 'IDE' | 'SCSI';
  readonly location: number;
}

export interface Config {
  name: string;
  notes: string;
  cpus: number;
  memory: number;
  minimum: number;
  adapters: Adapter[];
}

export interface Checkpoint {
  readonly id: string;
  readonly name: string;
  /** Get-VMSnapshot's SnapshotType: only a Standard one was asked for, a Recovery one is a backup's. */
  readonly type: 'Standard' | 'Recovery' | 'Replica' | 'AppConsistentReplica' | 'Missing';
  /** The drives as they were, whose files stay as long as the checkpoint. */
  readonly drives: readonly Drive[];
  readonly created: string;
  readonly memory: boolean;
  /** The contents of the drives, in their order. */
  readonly contents: readonly string[];
  readonly config: Config;
}

export interface Machine extends Config {
  readonly id: string;
  state: string;
  readonly generation: number;
  readonly path: string;
  drives: Drive[];
  media: string[];
  checkpoints: Checkpoint[];
  merging: boolean;
  /** Files that no checkpoint needs any more and that are still to be merged, or to go. */
  loose: string[];
  clustered: boolean;
  replication: string;
  startAction: string;
  stopAction: string;
  checkpointType: string;
  automaticCheckpoints: boolean;
  secureBoot: string;
  bootOrder: string[];
  boots: number;
}

export interface File {
  /** The content: two equal texts are two equal disks. */
  content: string;
  size: number;
  fileSize: number;
  parent: string;
  /** Opened for writing by a process. */
  locked?: boolean;
  /** The account may not read it. */
  denied?: boolean;
}

/** Everything of the host that lasts, with what a test may switch. */
export interface HostState {
  readonly machines: Map<string, Machine>;
  /** By path in small letters, as Windows takes them. */
  readonly files: Map<string, File>;
  readonly folders: Set<string>;
  readonly switches: string[];
  readonly cluster: {
    member: boolean;
    known: boolean;
    elsewhere: { name: string; node: string }[];
  };
  /** The holder of the mutex of an instance. */
  readonly locks: Map<string, object>;
  freeMemory: number;
  freeBytes: number | null;
  /** Drives that the host does not show right now, such as `E:`. */
  readonly drivesAway: string[];
  sees: boolean;
  /** The duration of a task such as a copy or a start. */
  taskMs: number;
  mergeMs: number;
  /** Merges fail for good, as after some backups: the drive stays at the file of a checkpoint that is gone. */
  mergesFail: boolean;
  /** WMI answers the account: not over a network logon that is no administrator. */
  wmi: boolean;
  /** The host tells how much memory it has free. */
  memorySeen: boolean;
  /** Adapters are listed the other way round: Get-VMNetworkAdapter promises no order. */
  adaptersReversed: boolean;
  failCopy: boolean;
  ignoreShutdown: boolean;
  /** PowerShell ends between making a machine and marking it. */
  dieUnmarked: boolean;
  /** After this long without a question PowerShell ends, as the conversation script says. */
  idleMs: number;
  /** The quotas of WinRM (winrm/config), at first as Windows sets them. */
  readonly limits: { shellsPerUser: number; processesPerShell: number; operationsPerUser: number };
  /** PowerShell prints this and ends when it is asked the first time; empty where it does not. */
  lastWords: string;
  /** The error with which the host refuses to list its switches; empty where it does not. */
  switchTrouble: string;
  /** The module is not installed. */
  noModule: boolean;
  languageMode: string;
  /** The message of Windows in place of starting PowerShell; empty where it may start. */
  blocked: string;
  /** Answers of single steps in place of the host's own, used up one by one. */
  readonly errors: {
    step: string;
    trouble: Trouble;
    done: boolean;
    /** An event on the host at that moment. */
    meanwhile?: () => void | Promise<void>;
  }[];
  /** How guests were asked to shut down: over WMI, or by the cmdlet. */
  readonly shutdowns: ('wmi' | 'cmdlet')[];
  /** The steps that were run, in their order. */
  readonly ran: string[];
}

export interface Trouble {
  readonly id: string;
  readonly category: string;
  readonly message: string;
  readonly type?: string;
  readonly code?: number;
}

export const gib: number = 1024 ** 3;

export function createState(): HostState {
  const state: HostState = {
    machines: new Map(),
    files: new Map(),
    folders: new Set(['d:\\disks', 'd:\\machines', 'd:\\templates', 'd:\\iso']),
    switches: ['External', 'Internal', 'Büro "Nord"'],
    cluster: { member: false, known: true, elsewhere: [] },
    locks: new Map(),
    freeMemory: 64 * gib,
    freeBytes: 900 * gib,
    drivesAway: [],
    sees: true,
    taskMs: 0,
    mergeMs: 0,
    mergesFail: false,
    wmi: false,
    memorySeen: true,
    adaptersReversed: false,
    failCopy: false,
    ignoreShutdown: false,
    dieUnmarked: false,
    idleMs: Number(/\.Wait\((\d+)\)/.exec(conversation)?.[1]),
    limits: { shellsPerUser: 30, processesPerShell: 25, operationsPerUser: 1500 },
    lastWords: '',
    switchTrouble: '',
    noModule: false,
    languageMode: 'FullLanguage',
    blocked: '',
    errors: [],
    shutdowns: [],
    ran: [],
  };
  const template = { size: 10 * gib, fileSize: 2 * gib, parent: '' };
  put(state, 'D:\\Templates\\debian-12.vhdx', { ...template, content: 'debian 12' });
  put(state, 'D:\\Templates\\old.vhd', { ...template, content: 'old' });
  put(state, 'D:\\ISO\\debian-12.iso', { size: gib, fileSize: gib, parent: '', content: 'iso' });
  return state;
}

export function put(state: HostState, path: string, file: File): void {
  state.files.set(path.toLowerCase(), file);
}

export function fileAt(state: HostState, path: string): File | undefined {
  return state.files.get(path.toLowerCase());
}

export function newMachine(more: Partial<Machine> & { readonly name: string }): Machine {
  return {
    id: randomUUID(),
    state: 'Off',
    notes: '',
    cpus: 1,
    memory: gib,
    minimum: 0,
    adapters: [],
    generation: 2,
    path: `D:\\Machines\\${more.name}`,
    drives: [],
    media: [],
    checkpoints: [],
    merging: false,
    loose: [],
    clustered: false,
    replication: 'None',
    startAction: 'StartIfRunning',
    stopAction: 'Save',
    checkpointType: 'Production',
    automaticCheckpoints: true,
    secureBoot: 'MicrosoftWindows',
    bootOrder: [],
    boots: 0,
    ...more,
  };
}

/** An error record of PowerShell's, its text in the language of the host. */
export function psError(trouble: Trouble): Error {
  return Object.assign(new Error(trouble.message), { trouble });
}

export function troubleOf(thrown: unknown): Trouble | undefined {
  return thrown instanceof Error && 'trouble' in thrown ? (thrown.trouble as Trouble) : undefined;
}

import type { Mark } from '../../src/contract/machine.ts';
import type { Registry } from '../../src/contract/provider.ts';
import type { Details, HostDetails } from '../support/payloads.ts';
import type { Place } from '../support/world.ts';

/** A machine of the remote system as an account with all rights sees it. */
export interface RemoteMachine {
  readonly remoteId: string;
  readonly name: string;
  readonly power: 'on' | 'off' | 'paused' | 'suspended' | 'saved' | 'other';
  /** The text that holds the mark; empty without one. */
  readonly mark: string;
  readonly cpus: number;
  readonly memoryMb: number;
  /** In the order of the NICs' deviceId. */
  readonly nics: readonly {
    readonly mac: string;
    readonly vlan: number | 'untagged' | undefined;
  }[];
  /** CPUs, memory and NICs are what they are, no matter what an instance is to have. */
  readonly physical?: boolean;
  /** Stands for what is on the disk; equal texts are equal disks. */
  readonly disk?: string;
  /** The data disks that it has or keeps aside, by the names that people use in the actions. */
  readonly dataDisks?: readonly DataDisk[];
  /** The files that were made for it and would stay if only the machine was removed. */
  readonly loose?: readonly string[];
  /**
   * Everything there is to know of it but jobs, times and cached states: two equal texts mean that
   * no call changed it.
   */
  readonly all: string;
  /**
   * Where no mark can travel with the call that makes a machine: what that very call left instead,
   * which names the instance. Counts as a mark that says `building`.
   */
  readonly claim?: string;
}

export interface DataDisk {
  readonly name: string;
  readonly attached: boolean;
  readonly gib: number;
  /** Stands for what is on it; equal texts are equal disks. */
  readonly content: string;
}

/** Where the requests of the next action break off. */
export interface Break {
  /** At which changing request, counted from 1; infinite for counting only. */
  readonly change: number;
  /** Before anything of it was done, or after, so that only its answer is lost. */
  readonly how: 'before' | 'after';
  /** With every request that follows, undo and reading included, as if our process had been killed. */
  readonly lasts: boolean;
}

/** A break under way. */
export interface Broken {
  /** How many changing requests have come; those after the break do not count. */
  changes(): number;
  /** Everything works again, and what a process of ours held on the system has been let go. */
  mend(): Promise<void>;
}

/** A machine to be put there behind everybody's back. */
export interface Planted {
  readonly name: string;
  /** Called with the id that the machine gets; nothing for a machine without a mark. */
  readonly mark?: (remoteId: string) => Mark;
  readonly power?: 'on' | 'off';
  /** May be ignored only with `lacks.makeTemplate`. */
  readonly template?: boolean;
}

/**
 * The remote system as the suite looks at it and disturbs it. An optional member may be left out with
 * a reason in `lacks`; the cases that need it are then skipped with that reason.
 */
export interface Backend {
  /** Only the provider under test. */
  readonly registry: Registry;
  readonly provider: string;
  /** Details that make the provider reach the system; asked for before every call. */
  details(): HostDetails;
  /** The details that an instance chooses, such as its template; the keys without `External:`. */
  readonly chosen: Details;
  /** Texts that must never show up in any answer or log line. */
  readonly secrets: readonly string[];
  /**
   * Why an optional ability is not there, by its name; besides, `traceless` is a prepare without
   * traces, `segments` are networks that it cannot connect an instance to, and `reinstall` is an
   * action that this version of the system cannot do.
   */
  readonly lacks: Readonly<Record<string, string>>;

  machines(): Promise<readonly RemoteMachine[]>;
  /** Answers the new machine's id. */
  plant(machine: Planted): Promise<string>;
  removeBehind(remoteId: string): Promise<void>;
  /** Every call fails to reach the system. */
  outage(on: boolean): Promise<void>;
  /**
   * How many calls have reached it since the outage began. A port that is closed counts no call: a
   * fake goes on accepting connections, counts each request and destroys its socket.
   */
  callsDuringOutage(): Promise<number>;
  /**
   * The account no longer sees what it saw, the way this system does that: often without an error.
   * Where there are more ways than one, such as another project's token, try the others beside the suite.
   */
  withdrawRights(on: boolean): Promise<void>;
  /** Another user of the remote system owns the finished machines, as its administrators can bring about. */
  takeOver?(on: boolean): Promise<void>;

  /**
   * Breaks requests off from now on; `judgeBy` in conformance-break.ts decides what becomes of each.
   * May be lacking only where there are no requests: nothing else shows what a killed create leaves.
   */
  breakOff?(where: Break): Promise<Broken>;
  /** Makes a second machine with the same content, mark included; answers its id. */
  copy?(remoteId: string): Promise<string>;
  setPower?(remoteId: string, power: 'paused' | 'suspended' | 'saved'): Promise<void>;
  /** The machine's own guard against removal. */
  protect?(remoteId: string): Promise<void>;
  /** Changes the contents of the disk of the instance. */
  changeDisk?(remoteId: string): Promise<void>;
  /** Changes the contents of this data disk. */
  changeDataDisk?(remoteId: string, name: string): Promise<void>;
  /** Every data disk that there is on the system, whether a machine has it or not, by the machine it was made for. */
  dataDisks?(): Promise<readonly { readonly machine: string; readonly name: string }[]>;
  /** The record of the machine can no longer be read. */
  damage?(remoteId: string): Promise<void>;
  /** The machine turns into a template under its own id. */
  makeTemplate?(remoteId: string): Promise<void>;
  /**
   * Tasks take longer than any deadline of the suite: what makes, switches or saves; removing and
   * cancelling stay quick, or no undo can end.
   */
  slowTasks?(on: boolean): Promise<void>;
  /** The address leads to a server that has no such API and answers 404 to every request. */
  elsewhereApi?(on: boolean): Promise<void>;
  /** A number that is another one after every start of the machine. */
  boots?(remoteId: string): Promise<number>;
  /** Where the system has opened the machine's screen last, as the console proxy reaches it. */
  screen?(remoteId: string): Promise<{ readonly host: string; readonly port: number }>;
  /** Tasks that take as long as this, so that two calls overlap. */
  taskMs?(ms: number): Promise<void>;
  /** The task of a create fails half-way. */
  failTasks?(on: boolean): Promise<void>;
  /**
   * The system has no capacity for one more instance of the suite, nor for a planted machine to grow
   * to the instance's size.
   */
  fill?(on: boolean): Promise<void>;
  /** Guests do not react when they are asked to shut down. */
  ignoreShutdown?(on: boolean): Promise<void>;
  /** The details of a host that speaks for another node, and that node's name. */
  readonly elsewhere?: { readonly node: string; readonly details: HostDetails };
  /** Moves a machine to a node, as an administrator or a failover does. */
  move?(remoteId: string, node: string): Promise<void>;

  /** Hands the machine to another owner, in the way of this system. */
  disown?(remoteId: string): Promise<{
    /** The instance's mark is still on the machine, so that only the system's own record speaks against it. */
    readonly markStays: boolean;
    giveBack(): Promise<void>;
  }>;
  /** Takes a right away without which lists hide a part, and nothing says so. */
  hidePart?(on: boolean): Promise<void>;
  /** A change is answered at once and begins only a good second later. */
  workLater?(on: boolean): Promise<void>;

  close(): Promise<void>;
}

/** Makes a backend for one case; `place` is the folder, home and log of that case. */
export type SetUp = (place: Place) => Promise<Backend>;

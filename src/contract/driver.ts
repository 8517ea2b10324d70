import type { Actions, Handlers } from './action.ts';
import type { Deadline, Step, Undo } from './context.ts';
import type { DiskDriver } from './disk.ts';
import type { GuestStore } from './guest-store.ts';
import type { Instance, SizedInstance } from './instance.ts';
import type { Choice, Machine, Mark, RemoteMachine, State } from './machine.ts';
import type { SnapshotDriver } from './snapshot.ts';

/** The instance to be made or switched on, and the choices for it. */
export interface Plan<B = Blueprint> extends Step {
  readonly instance: SizedInstance;
  readonly blueprint: B;
}

/** The argument of `make`. */
export interface Making<M extends Machine = Machine, B = Blueprint> extends Plan<B> {
  /** Unfinished machines that earlier creates of the instance have left: to be finished or replaced. */
  readonly partials: readonly M[];
  readonly undo: Undo;
  /** The mark of an unfinished machine; '' as id while the remote system has yet to choose one. */
  markFor(remoteId: string): Mark;
}

/** The operator's settings for the rules that the lifecycle keeps. */
export interface Policy {
  /** `undefined` where the provider has no such setting, which no advice may then name. */
  readonly adoptUnmarked: boolean | undefined;
  readonly deleteAdopted: boolean;
  readonly graceSeconds: number;
  /** The nodes whose machines this host reports; without it all but those of other hosts. */
  readonly nodes?: readonly string[] | undefined;
  readonly otherNodes?: readonly string[] | undefined;
  readonly maxSnapshots?: number;
  readonly snapshotMemory?: boolean;
  /** Data disks of an instance, detached ones included. */
  readonly maxDisks?: number;
  readonly maxDiskGb?: number | undefined;
  readonly allowedStorages?: readonly string[] | undefined;
  /** `false`: an instance with detached disks is not deleted. */
  readonly deleteDetachedDisks?: boolean;
  /** The address of consoles that prepare hands back; absent where the operator wants none. */
  readonly consoleButton?: string;
}

/** Facts for CloudStack to remember: details come back as `stored`, NICs are matched by uuid. */
export interface Preparation {
  readonly details?: Readonly<Record<string, string>>;
  readonly nics?: readonly {
    readonly uuid: string;
    readonly mac?: string;
    readonly ipv4?: string;
    readonly ipv6?: string;
  }[];
  /** The machine's own words in the operator's address of consoles, beside the instance's, with their values. */
  readonly consoleWords?: Readonly<Record<string, string>>;
}

export type Console =
  | {
      readonly kind: 'vnc';
      readonly host: string;
      readonly port: number;
      readonly password?: string;
      /** The password works once: the console proxy must not share the connection. */
      readonly oneTime?: boolean;
    }
  | { readonly kind: 'direct'; readonly url: string };

/**
 * The primitives of one remote system, opened for one call. None of them knows an ownership rule:
 * `src/lifecycle/` decides which machine is the instance's and calls them in the right order.
 *
 * Each primitive may be called twice for the same change, waits until the change is seen, ends before
 * its deadline, and throws a `Failure` otherwise.
 */
export interface Driver<M extends Machine = Machine, B = Blueprint, A extends Actions = Actions> {
  readonly policy: Policy;
  /** It plugs a NIC in with its link down where CloudStack has disabled it; others are refused. */
  readonly takesLinksDown?: boolean;
  /** `make` and `powerOn` hand `instance.guest` to the guest; elsewhere a create with user data is refused. */
  readonly tellsGuests?: boolean;

  // ---- finding ----
  /**
   * All machines that may be an instance's, or a failure where the account may not see them all.
   * `own` serves to find one, `report` the power report, `inventory` reads all that `describe` shows.
   */
  list(detail: 'own' | 'report' | 'inventory', deadline: Deadline): Promise<readonly M[]>;
  /** The id that an earlier answer stored in the instance's details: a hint, never proof. */
  storedId?(instance: Instance): string | undefined;
  /** Where the machine may be by an earlier answer, such as `it was prepared on hv9`. */
  storedPlace?(instance: Instance): string | undefined;
  /** In place of `list`, where the remote system can be asked for one instance's machine. */
  find?(step: Step, purpose: Purpose): Promise<Choice<M>>;
  /** The machine under this id as it is now, for `adopt`; without it, as it was listed. */
  get?(remoteId: string, deadline: Deadline): Promise<M | undefined>;
  /** Whether the failure says that the machine is not where it was found any more. */
  isAbsent?(thrown: unknown, machine: M): boolean;
  /** Every node that there is, for a report that found no machine on one of those of its host. */
  nodes?(deadline: Deadline): Promise<readonly string[]>;
  /** Remains of instances that have none of these machines, as further entries of `audit`. */
  leftovers?(machines: readonly M[], deadline: Deadline): Promise<readonly RemoteMachine[]>;
  /** One machine for `audit`, with a remark for everything that an operator should know. */
  describe(machine: M, deadline: Deadline): RemoteMachine | Promise<RemoteMachine>;

  // ---- looking ----
  /**
   * The state when the machine was read, or now: for a `report` as fast as is safe, else as certain as
   * the remote system can tell.
   */
  state(machine: M, purpose: StatePurpose, deadline: Deadline): Promise<State>;
  /** The states of many for a report, in the order given; without it `state` is asked for each. */
  states?(machines: readonly M[], deadline: Deadline): Promise<readonly State[]>;
  /** Whether CPUs, memory and NICs are what the instance says. */
  hasHardware(machine: M, step: Plan<Partial<B>>): Promise<boolean>;
  /**
   * The remote system's own protection against removal, such as `is protected against removal`. A delete
   * and every action that throws data away respect it.
   */
  guard?(machine: M): string | undefined;
  /** Why this machine can never be adopted, such as `it is a role of a failover cluster`. */
  unadoptable?(machine: M): string | undefined;
  /** Fails where this instance must not get the machine, for a reason that has to be asked for. */
  refuseAdoption?(machine: M, step: Step): Promise<void>;

  // ---- changing ----
  /** Runs the work while no other call changes the instance's machine. */
  exclusive?<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** Chooses what CloudStack is to remember before create; `found` is what there is already. */
  prepare?(plan: Plan<B>, found: Found<M>): Promise<Preparation>;
  /** Answers the machine with its mark, switched off unless another call has finished it meanwhile. */
  make(making: Making<M, B>): Promise<M>;
  /** Brings CPUs, memory and NICs up to date and switches on a machine that is off. */
  powerOn(machine: M, plan: Plan<Partial<B>>): Promise<M>;
  /** Lets a machine go on that is neither on nor off. */
  resume(machine: M, step: Step): Promise<M>;
  /** Whether the guest went down within the milliseconds given. */
  shutDown(machine: M, step: Step, ms: number): Promise<boolean>;
  cutPower(machine: M, step: Step): Promise<M>;
  /** Makes sure that nothing under way switches the machine on again after a stop. */
  ensureStaysOff?(machine: M, step: Step): Promise<void>;
  /** Ends when the guest is really back. */
  restart(machine: M, step: Step): Promise<void>;
  /** Announces on an unfinished machine that it is being removed; `false` when it is built by now. */
  claimRemoval?(machine: M, step: Step): Promise<boolean>;
  /** Removes the machine and everything that was made for it; success where it is gone already. */
  destroy(machine: M, step: Step): Promise<void>;
  /**
   * Writes the mark, or takes it off, over what `machine` was read with; `lost` when another call has
   * changed it since, or has begun to remove it. With an `adopted` mark other people's words stay.
   */
  writeMark(machine: M, mark: Mark | undefined, step: Step): Promise<M | 'lost'>;
  /** Waits until lists show the mark that adopt has written. */
  untilListed?(machine: M, step: Step): Promise<void>;

  // ---- more ----
  /** Loaded when one of the actions about snapshots is asked for. */
  snapshots?(): Promise<SnapshotDriver<M>>;
  /** Loaded for the actions about disks, for `data_disks`, and before a snapshot is restored. */
  disks?(): Promise<DiskDriver<M>>;
  /** `machine` finds the instance's machine; a console by address alone never calls it. */
  console?(step: Step, machine: () => Promise<M>): Promise<Console>;
  /** Where the network half keeps the data of guests, reached with this half's settings. */
  guests?(): Promise<GuestStore>;
  /** The provider's other custom actions, by name; loaded when one of them is asked for. */
  run?(): Promise<Handlers<M, B, A>>;
  /** Ends what the driver holds open, after success and failure alike; a failure of it is only logged. */
  close?(): void | Promise<void>;
}

/** Why the state is asked: to `start` or `stop` the machine, to `use` it while it runs, or to report it. */
export type StatePurpose = 'start' | 'stop' | 'use' | 'report';

/** Why a machine is looked for: a `create` leaves a stranger under the prepared id alone. */
export type Purpose = 'show' | 'change' | 'create' | 'power';

/** The machines of an instance before it is created. */
export interface Found<M extends Machine = Machine> {
  readonly machine: M | undefined;
  readonly partials: readonly M[];
}

export type Blueprint = Readonly<Record<string, unknown>>;

/** How a machine is to be stopped: `graceful` asks the guest first, `hard` never waits. */
export type StopManner = 'graceful' | 'hard';

import type { Step, Undo } from './context.ts';
import type { Machine } from './machine.ts';

export interface Snapshot {
  readonly name: string;
  /** The remote system's own id, where a name is not one. */
  readonly id?: string;
  readonly created?: Date;
  readonly description?: string;
  /** Whether the memory of the running guest was saved too. */
  readonly memory: boolean;
}

export interface NewSnapshot {
  readonly name: string;
  readonly description: string | undefined;
  readonly memory: boolean;
}

/**
 * The primitives of snapshots. The lifecycle keeps the limits, picks by name, and sees to it that an
 * instance keeps today's network, size and mark and never gets those of the snapshot.
 */
export interface SnapshotDriver<M extends Machine = Machine> {
  /** Names that the remote system keeps for itself, in small letters. */
  readonly reserved?: readonly string[];
  /** `last` says that nothing else is asked for in this call. */
  list(machine: M, step: Step, last?: boolean): Promise<readonly Snapshot[]>;
  take(machine: M, wanted: NewSnapshot, step: Step & { readonly undo: Undo }): Promise<void>;
  remove(machine: M, snapshot: Snapshot, step: Step): Promise<void>;
  /** Why this snapshot cannot be restored now, in words that a tenant may read. */
  unrestorable?(
    machine: M,
    snapshot: Snapshot,
    step: Step & { readonly ran: boolean },
  ): Promise<string | undefined>;
  /** Puts the disks back; may switch the machine off and bring that day's hardware and mark with it. */
  restore(machine: M, snapshot: Snapshot, step: Step): Promise<void>;
  /** Makes hardware, name and mark what they were when `machine` was read. */
  keepToday(machine: M, step: Step): Promise<void>;
  /** Ends with the machine on, as it is; does nothing for a machine that runs. */
  switchOn(machine: M, step: Step): Promise<void>;
  /** Whether a failed restore leaves disks that the machine can be switched on with. */
  readonly bootsAfterFailure: boolean;
}

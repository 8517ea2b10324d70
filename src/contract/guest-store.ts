import type { Deadline } from './context.ts';
import type { GuestData, GuestNic } from './guest.ts';

/** The part of a guest's data that one NIC's command carries; the Orchestrator half adds the rest. */
export type GuestFacts = Pick<
  GuestData,
  'hostname' | 'publicKeys' | 'userData' | 'metadata' | 'system'
>;

/**
 * The data that CloudStack's network half learned for one NIC of an instance. The Orchestrator half,
 * which may run on another management server, hands it to the guest.
 */
export interface GuestRecord {
  readonly nicUuid: string;
  /** Absent while only a password came for the NIC: no command but save-vm-data names the instance. */
  readonly instanceUuid?: string;
  readonly networkId: string;
  readonly nic: GuestNic;
  /** Absent while only a password came for the NIC. */
  readonly data?: GuestFacts;
  /** Until a start has handed it over. */
  readonly password?: string;
  /** When CloudStack last sent it: no call tells of the end of an instance whose deployment failed. */
  readonly savedAt: Date;
}

export type GuestSelection =
  | { readonly instanceUuid: string }
  | { readonly nicUuid: string }
  /** For `audit`, and to find records that are too old. */
  | 'all';

/**
 * Where a remote system keeps guests' data: one record for each NIC, out of every tenant's sight.
 *
 * A record may come before its machine exists and is written again at every start, with other texts or
 * the same, by several servers at once. The merging stands in `src/lifecycle/network/`.
 */
export interface GuestStore {
  /** The records of this installation. */
  read(of: GuestSelection, deadline: Deadline): Promise<readonly GuestRecord[]>;
  /** Replaces the NIC's record in one step; the data is complete when the call ends. */
  write(record: GuestRecord, deadline: Deadline): Promise<void>;
  /** Success where there is none. */
  remove(nicUuid: string, deadline: Deadline): Promise<void>;
  /** Runs the work while no other call changes the NIC's record, where the remote system can. */
  exclusive?<T>(nicUuid: string, work: () => Promise<T>, deadline: Deadline): Promise<T>;
}

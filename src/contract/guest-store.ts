import type { Deadline } from './context.ts';

/**
 * The data that CloudStack's network half learned for one NIC of an instance. The Orchestrator half,
 * which may run on another management server, hands it to the guest.
 */
export interface GuestRecord {
  readonly nicUuid: string;
  /** Absent while only a password came for the NIC: no command but save-vm-data names the instance. */
  readonly instanceUuid?: string;
  readonly networkId: string;
  readonly mac: string;
  readonly isDefault: boolean;
  /** As decoded by CloudStack, template and instance merged; absent without any. */
  readonly userData?: string;
  /** By CloudStack's names, such as `local-hostname`, `public-keys`; a tenant may have added some. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Until a start has handed it over. */
  readonly password?: string;
  /** When CloudStack last sent it: no call tells of the end of an instance whose deployment failed. */
  readonly savedAt: Date;
}

/**
 * Where a remote system keeps guests' data: one record for each NIC, out of every tenant's sight.
 *
 * A record may come before its machine exists and is written again at every start, with other texts or
 * the same, by several servers at once. The merging stands in `src/lifecycle/network/`.
 */
export interface GuestStore {
  /** Records of this installation: of one instance, of one NIC, or all of them for `audit`. */
  read(
    of: { readonly instanceUuid: string } | { readonly nicUuid: string } | 'all',
    deadline: Deadline,
  ): Promise<readonly GuestRecord[]>;
  /** Replaces the NIC's record in one step; the data is complete when the call ends. */
  write(record: GuestRecord, deadline: Deadline): Promise<void>;
  /** Success where there is none. */
  remove(nicUuid: string, deadline: Deadline): Promise<void>;
  /** Runs the work while no other call changes the NIC's record, where the remote system can. */
  exclusive?<T>(nicUuid: string, work: () => Promise<T>, deadline: Deadline): Promise<T>;
}

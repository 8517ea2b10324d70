import type { GuestData } from './guest.ts';

export type Role = 'Admin' | 'ResourceAdmin' | 'DomainAdmin' | 'User';

/** The account behind the call; absent before CloudStack 4.22, `system` for its own threads. */
export interface Caller {
  readonly account: string;
  readonly role: Role;
}

/**
 * Where a NIC belongs on the wire. `named` is a network of the remote system under its own name, as a
 * network extension gave it (`vs://NAME`); `other` keeps what a provider may still be able to map.
 */
export type Segment =
  | { readonly kind: 'vlan'; readonly id: number }
  | { readonly kind: 'untagged' }
  | { readonly kind: 'named'; readonly name: string; readonly uri: string }
  | { readonly kind: 'other'; readonly uri: string }
  | { readonly kind: 'none' };

export interface Address {
  readonly address: string;
  readonly netmask?: string;
  readonly cidr?: string;
  readonly gateway?: string;
  readonly dns: readonly string[];
}

export interface Nic {
  readonly deviceId: number;
  /** The NIC's own UUID, never the network's. */
  readonly uuid: string;
  /** Lower case, colons. */
  readonly mac: string;
  readonly isDefault: boolean;
  readonly segment: Segment;
  readonly network: { readonly uuid?: string; readonly id?: string; readonly name?: string };
  readonly ipv4?: Address;
  readonly ipv6?: Address;
  /** Absent means unlimited. */
  readonly rateMbps?: number;
  readonly mtu?: number;
  /** CloudStack has disabled the NIC: it is plugged in with its link down. */
  readonly linkDown?: boolean;
}

/** The facts that every action about one instance gets. */
export interface Instance {
  /** The identity; lower case. */
  readonly uuid: string;
  /** CloudStack's own instance name with its case, such as `i-2-42-VM`. */
  readonly name: string;
  readonly id?: number;
  /** CloudStack's word: Starting, Running, Stopping ... */
  readonly state?: string;
  readonly arch?: string;
  /** CloudStack believes it still has to be created; a tenant can set this, so it proves nothing. */
  readonly deploying: boolean;
  /** The details that the provider's `stored` names: hints, never proof. */
  readonly stored: Readonly<Record<string, string>>;
  readonly sshPublicKey?: string;
  readonly caller?: Caller;
}

/** The facts that prepare, create and start get besides; NICs stand in the order of their deviceId. */
export interface SizedInstance extends Instance {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly nics: readonly Nic[];
  readonly boot?: { readonly firmware: 'uefi' | 'bios'; readonly secure: boolean };
  /** CloudStack's own data for the guest, where the payload carries them. */
  readonly guest?: GuestData;
}

import type { Nic } from './instance.ts';

/** A NIC as far as the guest has to know it. */
export type GuestNic = Pick<Nic, 'mac' | 'isDefault' | 'ipv4' | 'ipv6' | 'mtu'>;

/** All that a guest is told at its start, in one value that `src/guest/` brings into every form. */
export interface GuestData {
  /** Another one makes the guest do the work of a first boot again: see `guest/instance-id.ts`. */
  readonly instanceId: string;
  readonly hostname: string;
  readonly publicKeys: readonly string[];
  /** As the tenant wrote it, byte for byte. */
  readonly userData?: Buffer;
  /** For the guest's first user; only in the one start that hands it over. */
  readonly password?: string;
  readonly nics: readonly GuestNic[];
  /** The machine may have NICs beside these, of which the caller knows nothing. */
  readonly moreNics?: boolean;
  /** The operator's, for every guest; the tenant's own data comes before it. */
  readonly vendorData?: Buffer;
  /** Further facts by CloudStack's names, a tenant's own among them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** CloudStack has named the guest's system, which it does for Windows only. */
  readonly system?: 'windows';
}

/** The place of data that came before its machine: CloudStack's network half sends them NIC by NIC. */
export interface GuestKey {
  readonly instanceUuid: string;
  readonly nicUuid: string;
  readonly isDefault: boolean;
}

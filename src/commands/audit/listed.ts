import type { Level } from '../../cloudstack/details.ts';
import { toSegment } from '../../cloudstack/nic.ts';
import type { Segment } from '../../contract/instance.ts';
import type { ListedNetwork, NetworkExtension } from '../network-half/extensions.ts';

/** An instance as CloudStack lists it. */
export interface Listed {
  readonly uuid: string;
  readonly name: string;
  readonly state: string;
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly nics?: readonly ListedNic[] | undefined;
  /** Whether its host is one of those that are looked at; `unknown` for one without a host. */
  readonly home: 'here' | 'elsewhere' | 'unknown';
  /** The host's name, where the instance has a host and CloudStack shows it. */
  readonly hostName?: string | undefined;
  /** All details of the instance; those that a provider stores are hints of where its machine is. */
  readonly details: Readonly<Record<string, string>>;
}

export interface ListedNic {
  /** Absent where the list comes from a file. */
  readonly uuid?: string;
  readonly mac: string;
  readonly segment?: Segment | undefined;
}

/** A host whose machines are looked at, with everything its settings come from. */
export interface ListedHost {
  readonly name: string;
  /** The extension and its provider, for telling apart systems that use the same ids. */
  readonly extension: string;
  /** The cluster of the host; `undefined` for one from a file, whose details an operator has written. */
  readonly cluster?: string;
  readonly levels: readonly Level[];
  /** Details that could not be read, which may be why settings are missing. */
  readonly remark?: string;
}

/** Both sides of a comparison as far as CloudStack knows them. */
export interface Lists {
  readonly instances: readonly Listed[];
  readonly hosts: readonly ListedHost[];
  /** The instances as they are a while later; the same ones where they come from a file. */
  again(): Promise<readonly Listed[]>;
  /** The network extensions and their networks; absent where CloudStack is not asked. */
  halves?(): Promise<Halves>;
}

export interface Halves {
  readonly extensions: readonly NetworkExtension[];
  /** As they are when it is called. */
  networks(): Promise<readonly ListedNetwork[]>;
}

/** A NIC by its MAC address and `vlan://1577`, as CloudStack writes where it belongs. */
export function nicOf(mac: string, uri: string): ListedNic {
  const segment = toSegment(uri);
  return { mac: mac.toLowerCase(), segment: segment.kind === 'none' ? undefined : segment };
}

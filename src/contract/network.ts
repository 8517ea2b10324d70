import type { Context, Deadline, Undo } from './context.ts';
import type { Fields, Values } from './field.ts';
import type { GuestStore } from './guest-store.ts';
import type { Check } from './provider.ts';

/*
 * The network half of a provider, for CloudStack's extension type NetworkOrchestrator. A provider may
 * offer none of it, remote networks, a store for the data of guests, or both.
 */

/** A network of CloudStack's, as far as its commands describe it; they never carry its name or UUID. */
export interface Network {
  /** A number of one CloudStack's database: only together with the installation it is an identity. */
  readonly id: string;
  readonly kind: 'L2' | 'Shared' | 'Isolated';
  /** The VLAN or VXLAN number that CloudStack chose; absent where it chose none or the URI is no number. */
  readonly tag?: number | 'untagged';
  readonly gateway?: string;
  readonly cidr?: string;
  /** The VPC that the network is a tier of. */
  readonly vpcId?: string;
}

/** The mark that proves which network a remote one was made for; `lifecycle/network/mark.ts` writes it. */
export interface NetworkMark {
  readonly installation: string;
  readonly networkId: string;
}

/** A network of the remote system, as far as the rules of ownership look at it. */
export interface RemoteNetwork {
  readonly remoteId: string;
  readonly mark: NetworkMark | 'unreadable' | undefined;
}

/** The network as CloudStack and the Orchestrator half name it. */
export interface Broadcast {
  /** Such as `vs://or7f3k2a`: no space, and no underscore before a `?`, or CloudStack drops it. */
  readonly uri: string;
  /** One of CloudStack's names. Another one than its network has leaks the VLAN that CloudStack chose. */
  readonly type: 'Vlan' | 'Vxlan' | 'Vswitch' | 'UnDecided';
}

/** The occasion of a primitive; `deadline` ends its waiting, also while changes are taken back. */
export interface NetworkStep {
  readonly deadline: Deadline;
  readonly undo: Undo;
}

/**
 * The primitives for remote networks. The rules about whose a network is, and when it may be removed,
 * stand in `src/lifecycle/network/`.
 *
 * Each primitive may be called twice for the same change, by several servers at once, waits until the
 * change is seen on every node that runs instances, ends before its deadline, and throws a `Failure`.
 */
export interface Networks<N extends RemoteNetwork = RemoteNetwork> {
  /** All networks that may be one of ours, or a failure where the account may not see them all. */
  list(deadline: Deadline): Promise<readonly N[]>;
  /** The id that the network gets. A remote network of this id without our mark makes every call refuse. */
  idFor(mark: NetworkMark): string;
  /** Makes the network with its mark in the same call. */
  make(network: Network, mark: NetworkMark, step: NetworkStep): Promise<N>;
  /** Brings the remote network to what `network` says; changes nothing where it is so already. */
  update(remote: N, network: Network, step: NetworkStep): Promise<N>;
  broadcast(remote: N, network: Network): Broadcast;
  /** Everything that names it, such as `net0 of machine 101`: NICs, templates, snapshots. */
  users(remote: N, deadline: Deadline): Promise<readonly string[]>;
  /**
   * CloudStack gave the network's VLAN back while machines that are off still name the remote one: it
   * has to keep its name and may not keep the VLAN. Without it, such a shutdown only leaves it alone.
   */
  idle?(remote: N, step: NetworkStep): Promise<void>;
  /** Removes a network that nothing names; success where it is gone already. */
  remove(remote: N, step: NetworkStep): Promise<void>;
  /** Lines for `audit` beside the id and the mark, such as the zone and the tag. */
  describe?(remote: N): readonly string[];
}

/** One call's connection to the remote system. */
export interface NetworkDriver {
  readonly networks?: Networks;
  readonly guests?: GuestStore;
  close?(): void | Promise<void>;
}

/** A provider's network half; `defineNetworkProvider` infers its types. */
export interface NetworkProvider<S extends Fields = Fields> {
  /** Details of the registration with the physical network: no others reach this half. */
  readonly settings: S;
  /** The parts that the driver has, for `register` and the documentation. */
  readonly offers: { readonly networks: boolean; readonly guests: boolean };
  /** Contradictions between settings, in the operator's words. */
  settingsIssues?(settings: Values<S>): readonly string[];
  /** For `doctor`; changes nothing and works even when `connect` would fail. */
  checks?(settings: Values<S>, context: Context): Promise<readonly Check[]>;
  /** Asks nothing of the remote system before a primitive is called. */
  connect(settings: Values<S>, context: Context): NetworkDriver | Promise<NetworkDriver>;
}

/** Infers the types for the author of a network half and erases them for every other reader. */
export function defineNetworkProvider<const S extends Fields>(
  provider: NetworkProvider<S>,
): NetworkProvider {
  return provider;
}

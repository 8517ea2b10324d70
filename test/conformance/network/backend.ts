import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import type { Backend } from '../backend.ts';

/** The remote system as the cases of the network half look at it and disturb it. */
export interface NetworkBackend {
  /** The system as the cases about machines see it. */
  readonly machines: Backend;
  /** Details of the registration with the physical network, beside those that `register` writes. */
  registration(): Details;
  /** The parts that the provider offers; the cases of the others are skipped. */
  readonly offers: { readonly networks: boolean; readonly guests: boolean };
  /** Why the system cannot keep a password that is reset while the instance is stopped: its case is skipped. */
  readonly noResets?: string;
  /** The ids of all networks of the remote system. */
  networks(): Promise<readonly string[]>;
  /** Puts a network without a mark there, under this id. */
  plant(remoteId: string): Promise<void>;
  /** The UUIDs of the NICs that something is kept for. */
  kept(): Promise<readonly string[]>;
  /** The data that lie beside the instance's machine for its guest. */
  guest(instanceUuid: string): Promise<Given | undefined>;
  /** Every call of the network half fails to reach the system. */
  outage(on: boolean): Promise<void>;
}

export interface Given {
  readonly hostname: string;
  readonly userData: string;
  readonly publicKeys: readonly string[];
  readonly password?: string;
  readonly instanceId: string;
}

export type NetworkSetUp = (place: Place) => Promise<NetworkBackend>;

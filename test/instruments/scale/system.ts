import type { Backend } from '../../conformance/backend.ts';
import type { Details, HostDetails } from '../../support/payloads.ts';
import { installation } from '../bench/instance.ts';
import type { Random } from './random.ts';

/** One remote system with its own manners of failing. */
export interface System {
  readonly backend: Backend;
  /** How many hosts of CloudStack's speak for it, by name and with their own details. */
  readonly hosts: readonly { readonly name: string; readonly details: () => HostDetails }[];
  /** Under which name the snapshot actions know a snapshot; absent without such actions. */
  readonly snapshot?: string;
  /** Something goes wrong for a while, or nothing does; answers what. */
  disturb(random: Random): Promise<string> | string;
  /** Nothing goes wrong any more. */
  calm(): Promise<void>;
  /** Mends the faults that time alone would mend. */
  heal(): void;
  /** Leftovers, other than machines, that must not be there when no call is under way. */
  leftovers(): readonly string[];
}

/** A host as CloudStack knows it. */
export interface Host {
  readonly name: string;
  readonly provider: string;
  readonly system: System;
  details(): HostDetails;
}

export function hostsOf(system: System): readonly Host[] {
  const { provider } = system.backend;
  return system.hosts.map(({ name, details }) => ({
    ...{ name, provider, system },
    details() {
      const own = details();
      return { ...own, extension: { provider, installation, ...own.extension } };
    },
  }));
}

/** The host's own details with some more. */
export function withHost(details: HostDetails, more: Details): HostDetails {
  return { ...details, host: { ...details.host, ...more } };
}

import { isDeepStrictEqual } from 'node:util';
import type { Segment, SizedInstance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { readMark, withoutMark, writeMark } from '../../../lifecycle/mark.ts';

/** The part of a machine that every start brings up to date. */
export interface Hardware {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly nics: readonly WiredNic[];
}

export interface WiredNic {
  readonly deviceId: number;
  readonly uuid: string;
  readonly mac: string;
  readonly segment: Segment;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkDown?: boolean;
}

/** The data for a guest: bytes in base64. */
export interface Seed {
  readonly instanceId: string;
  readonly hostname: string;
  readonly publicKeys: readonly string[];
  readonly userData?: string;
  /** Only since the start that has handed it over, until the next one. */
  readonly password?: string;
}

/** A machine of the simulated system. */
export interface Machine extends Hardware {
  readonly remoteId: string;
  readonly name: string;
  readonly node: string;
  /** The node it was made on. */
  readonly home: string;
  readonly power: 'off' | 'on' | 'paused' | 'suspended' | 'saved';
  /** Free text, in which the mark stands beside an operator's own words. */
  readonly description: string;
  readonly template: boolean;
  /** The simulated system refuses to remove the machine. */
  readonly protected: boolean;
  readonly templateId: string;
  readonly storage: string;
  readonly diskSizeGb?: number;
  /** Stands for everything on the disk: two equal ones are equal disks. */
  readonly diskContent: string;
  readonly boots: number;
  readonly createdAt: string;
  readonly snapshots: readonly Snapshot[];
  readonly seed?: Seed;
  /** Absent in files of versions that knew no data disks. */
  readonly disks?: readonly DataDisk[];
}

export interface DataDisk {
  readonly number: number;
  readonly sizeGb: number;
  readonly storage: string;
  readonly content: string;
  readonly attached: boolean;
}

export interface Snapshot {
  readonly name: string;
  readonly description: string;
  readonly createdAt: string;
  readonly memory: boolean;
  readonly diskContent: string;
  /** All of that day's configuration, as real systems save it, with the mark in it. */
  readonly configuration: Hardware & {
    readonly description: string;
    readonly attached?: readonly number[];
  };
}

export function markOf(machine: Machine): Mark | 'unreadable' | undefined {
  return readMark(machine.description);
}

/** The machine with this mark in place of the one it had; other people's words stay. */
export function withMark(machine: Machine, mark: Mark | undefined): Machine {
  const words = withoutMark(machine.description);
  const lines = mark === undefined ? [words] : [words, writeMark(mark)];
  return { ...machine, description: lines.filter((line) => line !== '').join('\n') };
}

/** Uses the node's CPUs and memory. */
export function isRunning({ power }: Machine): boolean {
  return power === 'on' || power === 'paused' || power === 'suspended';
}

export function hardwareOf({ cpus, memoryBytes, nics }: SizedInstance): Hardware {
  return {
    cpus,
    memoryBytes,
    nics: nics.map(({ deviceId, uuid, mac, segment, ipv4, ipv6, linkDown }) => ({
      deviceId,
      uuid,
      mac,
      segment,
      ...(ipv4 === undefined ? {} : { ipv4: ipv4.address }),
      ...(ipv6 === undefined ? {} : { ipv6: ipv6.address }),
      ...(linkDown === undefined ? {} : { linkDown }),
    })),
  };
}

export function hasHardware({ cpus, memoryBytes, nics }: Machine, hardware: Hardware): boolean {
  return isDeepStrictEqual({ cpus, memoryBytes, nics }, hardware);
}

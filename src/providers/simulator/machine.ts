import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { Failure } from '../../failure.ts';
import { type Mark, readMark, withoutMark, writeMark } from '../../kit/mark.ts';
import type { Power, SizedInstance } from '../../provider.ts';

/** A machine of the simulated system, as its file holds it. */
export type Machine = v.InferOutput<ReturnType<typeof schema>> & { readonly remoteId: string };

/** The part of a machine that every start brings up to date. */
export type Hardware = Pick<Machine, 'cpus' | 'memoryBytes' | 'nics'>;

export type Snapshot = Machine['snapshots'][number];

function hardwareSchema() {
  const segment = v.variant('kind', [
    v.object({ kind: v.literal('vlan'), id: v.number() }),
    v.object({ kind: v.literal('untagged') }),
    v.object({ kind: v.literal('other'), uri: v.string() }),
    v.object({ kind: v.literal('none') }),
  ]);
  const nic = v.object({
    deviceId: v.number(),
    uuid: v.string(),
    mac: v.string(),
    segment,
    ipv4: v.optional(v.string()),
    ipv6: v.optional(v.string()),
  });
  return { cpus: v.number(), memoryBytes: v.number(), nics: v.array(nic) };
}

function schema() {
  const snapshot = v.object({
    name: v.string(),
    description: v.string(),
    createdAt: v.string(),
    memory: v.boolean(),
    diskContent: v.string(),
    /** All of that day's configuration, as real systems save it, with the mark in it. */
    configuration: v.object({ ...hardwareSchema(), description: v.string() }),
  });
  return v.object({
    name: v.string(),
    node: v.string(),
    home: v.string(),
    power: v.picklist(['off', 'on', 'paused', 'suspended', 'saved']),
    /** Free text, in which the mark stands beside whatever people write. */
    description: v.string(),
    template: v.boolean(),
    /** The simulated system refuses to remove the machine. */
    protected: v.boolean(),
    ...hardwareSchema(),
    templateId: v.string(),
    storage: v.string(),
    diskSizeGb: v.optional(v.number()),
    /** Stands for everything on the disk: two equal ones are equal disks. */
    diskContent: v.string(),
    boots: v.number(),
    createdAt: v.string(),
    snapshots: v.array(snapshot),
  });
}

let built: ReturnType<typeof schema> | undefined;

/** The machine in a file's text, or `undefined` for a file that cannot be believed. */
export function parseMachine(remoteId: string, text: string): Machine | undefined {
  built ??= schema();
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(built, raw);
  return result.success ? { ...result.output, remoteId } : undefined;
}

/** The id is the file's name and not written: a file that is copied becomes another machine. */
export function formatMachine({ remoteId: _, ...machine }: Machine): string {
  return `${JSON.stringify(machine, undefined, 2)}\n`;
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

export function isBuilding(machine: Machine): boolean {
  const mark = markOf(machine);
  return typeof mark === 'object' && mark.state === 'building';
}

/** Uses the node's CPUs and memory. */
export function isRunning({ power }: Machine): boolean {
  return power === 'on' || power === 'paused' || power === 'suspended';
}

/** A saved machine is neither: called off, its memory would be thrown away by the stop that follows. */
export function powerOf(machine: Machine): Power {
  if (isBuilding(machine) || machine.power === 'saved') return 'unknown';
  return isRunning(machine) ? 'on' : 'off';
}

export function hardwareOf({ cpus, memoryBytes, nics }: SizedInstance): Hardware {
  return {
    cpus,
    memoryBytes,
    nics: nics.map(({ deviceId, uuid, mac, segment, ipv4, ipv6 }) => ({
      deviceId,
      uuid,
      mac,
      segment,
      ...(ipv4 === undefined ? {} : { ipv4: ipv4.address }),
      ...(ipv6 === undefined ? {} : { ipv6: ipv6.address }),
    })),
  };
}

export function hasHardware({ cpus, memoryBytes, nics }: Machine, hardware: Hardware): boolean {
  return isDeepStrictEqual({ cpus, memoryBytes, nics }, hardware);
}

/** The failure of whatever only makes sense while the instance runs. */
export function notRunning({ name, power }: Machine): Failure {
  return new Failure('conflict', `${name} is not running (${power})`, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}

import type { Instance } from '../../../contract/instance.ts';
import type { Machine as Listed, State } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { isInstanceName } from '../../../lifecycle/ownership.ts';
import { type Config, flagOf, type Row } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { type Index, readIndex } from './index-tag.ts';
import type { Live } from './read.ts';

/** A machine with what is known of it: by its configuration, or only by its row in the list. */
export interface Machine extends Listed {
  readonly vmid: number;
  readonly node: string;
  readonly row: Row;
  /** The index in its tags; also a copy's, which has taken them along. */
  readonly index: Index | undefined;
  /** As the next start will find it; empty where it was not read. */
  readonly config: Config;
  readonly isRead: boolean;
  /** The state that the primitive which answers this machine has left it in. */
  readonly left?: State;
  /** The live state that its node reports, for the inventory. */
  readonly live?: Live | undefined;
  /** Volumes under its id that its configuration does not name, for the inventory. */
  readonly loose?: readonly string[] | undefined;
}

/** As its configuration shows it. */
export function machineByConfig(row: Row, config: Config): Machine {
  const index = readIndex(config['tags']);
  return {
    ...placed(row),
    ...{ config, index, isRead: true },
    // Without a name of its own a machine is listed as "VM 121".
    name: config['name'] ?? row.name ?? `VM ${row.vmid}`,
    mark: readMark(config['description'] ?? ''),
    template: flagOf(config['template']),
    home: index?.home ?? homeIn(config['description']),
  };
}

/** As its tags show it, for reading only. */
export function machineByIndex(row: Row, index: Index): Machine {
  const { vmid: remoteId, uuid, name, installation, home } = index;
  return {
    ...placed(row),
    ...{ config: {}, index, isRead: false, home, name: row.name },
    mark: { uuid, name, installation, remoteId, state: 'built', origin: 'created' },
  };
}

/** Its configuration cannot be read: it may be any instance's, no matter how an operator named it. */
export function unreadMachine(row: Row): Machine {
  return {
    ...placed(row),
    ...{ config: {}, index: undefined, isRead: false, mark: 'unreadable' },
    name: isInstanceName(row.name) ? row.name : undefined,
  };
}

function placed(row: Row) {
  const { vmid, node, template } = row;
  return { vmid, node, row, remoteId: String(vmid), template };
}

/** The index in a machine's tags, but for one that a copy has taken along: that proves nothing. */
export function indexOf({ tags, vmid }: Row): Index | undefined {
  const index = readIndex(tags);
  return index?.vmid === String(vmid) ? index : undefined;
}

/** The node that a machine was made on, as its description says; lists have it in the tags. */
export function homeIn(description: string | undefined): string | undefined {
  return /, made on node ([A-Za-z0-9.-]+)$/m.exec(description ?? '')?.[1];
}

/** Whether a machine without an index is worth a look, by what the cluster's list shows. */
export function mayBeOurs(settings: Settings, { vmid, name, pool, template }: Row): boolean {
  const { low, high } = settings.vmid_range;
  if (template) return false;
  if (isInstanceName(name)) return true;
  return settings.pool === undefined ? vmid >= low && vmid <= high : pool === settings.pool;
}

// ---- ids ----

const alternatives = 8;

/**
 * The ids that an instance's machine may be made under, the first choice first; always the same.
 *
 * Every process that works for the instance comes to the same ids, so that a partial machine which a
 * killed process left is found under one of them, and two instances hardly ever want the same.
 */
export function candidateIds({ vmid_range }: Settings, instance: Instance): readonly number[] {
  const { low, high } = vmid_range;
  const size = high - low + 1;
  const hint = instance.stored['proxmox_vmid'] ?? '';
  const prepared = /^\d{3,9}$/.test(hint) ? Number(hint) : 0;
  const inRange = prepared >= low && prepared <= high;
  const numbered = instance.id === undefined ? [] : [low + (instance.id % size)];
  const spread = Array.from(
    { length: alternatives },
    (_, turn) => low + (hash(`${instance.uuid}/${turn}`) % size),
  );
  return [...new Set([...(inRange ? [prepared] : []), ...numbered, ...spread])];
}

/** The failure when other machines have all of them. */
export function noIdLeft({ vmid_range: { low, high } }: Settings): Failure {
  return new Failure('conflict', `No free id was found between ${low} and ${high}`, {
    advice: 'Widen vmid_range',
  });
}

/** FNV-1a and a final mix: near texts come to far numbers. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 16)) >>> 0;
}

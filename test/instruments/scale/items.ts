import type { Vm } from '../../support/payloads.ts';
import { newInstance } from '../bench/instance.ts';
import type { Host } from './system.ts';

/** The state of an instance in CloudStack. */
export type Belief = 'absent' | 'running' | 'stopped' | 'expunged';

/** One instance with CloudStack's belief, and whether the belief can be taken at its word. */
export interface Item {
  vm: Vm;
  readonly host: Host;
  belief: Belief;
  /** The call that made the belief ended as it should; only then have reports to agree with it. */
  sure: boolean;
  /** A create was begun, so that there may be something. */
  tried: boolean;
  /** To be deleted, and nothing else, until that has worked. */
  doomed: boolean;
  /** CloudStack runs one job at a time on an instance. */
  busy: boolean;
  /** Counts what was begun, so that a report can tell whether anything went on beside it. */
  changes: number;
  /** Its calls, for the search after a violation. */
  readonly story: string[];
}

export function newItem(id: number, host: Host): Item {
  const vm = { ...newInstance(id, host.system.backend.chosen), cpus: 1, memoryMb: 256 };
  return {
    ...{ vm, host, belief: 'absent', sure: true },
    ...{ tried: false, doomed: false, busy: false, changes: 0, story: [] },
  };
}

/** From now on CloudStack believes this. */
export function believe(item: Item, belief: Belief, sure: boolean): void {
  item.belief = belief;
  item.sure = sure;
  item.changes += 1;
}

/** Its state is uncertain, also where CloudStack is sure. */
export function doubt(item: Item): void {
  item.sure = false;
  item.changes += 1;
}

import type { Mark } from '../../../contract/machine.ts';
import type { Config } from '../api/wire.ts';
import type { Seen } from './read.ts';

/** The instance's own machine, proved by the mark in its description. */
export interface Machine {
  readonly vmid: number;
  readonly node: string;
  /** As the next start will find it. */
  readonly config: Config;
  readonly mark: Mark;
  /** Its power as the cluster's list has it, up to ten seconds late. */
  readonly listed?: string | undefined;
}

export function machineOf({ row, config = {} }: Seen, mark: Mark): Machine {
  return { vmid: row.vmid, node: row.node, config, mark, listed: row.status };
}

export function isBuilding({ mark }: Machine): boolean {
  return mark.state === 'building';
}

import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { isRunning, type Machine, markOf } from '../api/machine.ts';
import type { Session } from './session.ts';

const gib = 1024 ** 3;

/**
 * Fails when the node has no capacity for the instance beside the machines that run or are being built
 * on it, its own one excepted.
 *
 * Only under `allocating` is the answer still true a moment later.
 */
export function checkCapacity(session: Session, instance: SizedInstance, ownId?: string): void {
  const { node, capacity_cpus, capacity_memory_gb } = session.settings;
  const used = usage(session, node, ownId);
  const shortages = [
    shortage('CPUs', used.cpus, instance.cpus, capacity_cpus),
    shortage('GiB of memory', used.memoryGib, instance.memoryBytes / gib, capacity_memory_gb),
  ].filter((sentence) => sentence !== '');
  if (shortages.length === 0) return;
  throw new Failure(
    'conflict',
    `Not enough capacity for ${instance.name} on ${node}: ${shortages.join(', ')}`,
    {
      advice: 'Nothing was changed; another host may have capacity',
      tenant: 'There is no capacity for this instance right now',
    },
  );
}

/** Runs the work while no other process takes capacity or ids. */
export function allocating<T>(session: Session, work: () => T): Promise<T> {
  return session.store.locked('allocation', 'another machine to be placed', async () => work());
}

function usage({ store }: Session, node: string, ownId: string | undefined) {
  const there = store.list().flatMap(({ machine }) => (machine === undefined ? [] : [machine]));
  const counted = there.filter((machine) => machine.remoteId !== ownId && counts(machine, node));
  return {
    cpus: counted.reduce((sum, { cpus }) => sum + cpus, 0),
    memoryGib: counted.reduce((sum, { memoryBytes }) => sum + memoryBytes / gib, 0),
  };
}

function counts(machine: Machine, node: string): boolean {
  const mark = markOf(machine);
  const building = typeof mark === 'object' && mark.state === 'building';
  return machine.node === node && (isRunning(machine) || building);
}

function shortage(what: string, used: number, wanted: number, most: number | undefined): string {
  if (most === undefined || used + wanted <= most) return '';
  return `${round(wanted)} ${what} wanted, ${round(most - used)} of ${most} free`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

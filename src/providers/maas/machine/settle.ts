import type { SizedInstance } from '../../../contract/instance.ts';
import { status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { isLeavingUnfinished, markFor, markOf, writeMarkOn } from './annotations.ts';
import { giveBack } from './lifecycle.ts';
import type { Rig } from './session.ts';

/**
 * Of what earlier calls claimed, the machine to go on with, marked; all others are given back.
 * Machines on which a deployment has failed are never gone on with.
 */
export async function settle(
  rig: Rig,
  instance: SizedInstance,
  claims: readonly Machine[],
): Promise<Machine | undefined> {
  const usable = claims.filter((machine) => isUsable(machine));
  const kept = usable.find(({ status: now }) => now !== status.allocated) ?? usable[0];
  for (const machine of claims) {
    if (machine !== kept) await giveBack(rig, instance, machine);
  }
  if (kept === undefined || markOf(kept) !== undefined) return kept;
  return writeMarkOn(rig, kept, markFor(rig, instance, kept.system_id, 'building'));
}

function isUsable(machine: Machine): boolean {
  const { status: now, locked } = machine;
  const fit = now === status.allocated || now === status.deploying || now === status.deployed;
  return fit && !locked && !isLeavingUnfinished(machine);
}

import { expectFailure } from '../../../failure.ts';
import { isStuck, status } from '../api/statuses.ts';
import type { Machine, Me } from '../api/wire.ts';
import { leftBy, markOf } from './annotations.ts';
import { claimedFor } from './events.ts';
import { type Rig, readOne } from './session.ts';

/** The mark follows a claim at once: after this long it never will. */
const markMs = 1_000;

/** What a killed call of ours has left without a mark, and what removes it. */
export interface Leftover {
  readonly remarks: readonly string[];
}

/**
 * Whether an unmarked machine is what a killed call has left: claimed by the key's user and in no
 * use. MAAS's own record says for which instance; a user who works for others needs that proof.
 */
export async function leftoverOf(
  rig: Rig,
  { username }: Me,
  machine: Machine,
): Promise<Leftover | undefined> {
  if (machine.owner !== username || !isUnmarked(machine)) return undefined;
  const instance = await claimant(rig, machine);
  if (instance === undefined && rig.settings.shared_user) return undefined;
  if (isStuck(machine.status)) return { remarks: [] };
  if (!(await isStillSo(rig, machine))) return undefined;
  const whom = instance === undefined ? 'for nobody that is known' : `for ${instance}`;
  const stop = instance === undefined ? '' : `stop ${instance}, which gives it back, or `;
  return {
    remarks: [`it was claimed ${whom} and never marked: ${stop}release it in MAAS`],
  };
}

function isUnmarked(machine: Machine): boolean {
  const { status: now } = machine;
  if (markOf(machine) !== undefined || leftBy(machine) !== undefined) return false;
  const stages: readonly number[] = [status.allocated, status.deploying, status.failedDeployment];
  return stages.includes(now) || isStuck(now);
}

/** A claim of this very moment has its mark a moment later. */
async function isStillSo(rig: Rig, { system_id }: Machine): Promise<boolean> {
  await rig.context.deadline.sleep(markMs, `waiting for the mark of machine ${system_id}`);
  return isUnmarked(await readOne(rig, system_id));
}

async function claimant(rig: Rig, { system_id }: Machine): Promise<string | undefined> {
  try {
    return await claimedFor(rig, system_id);
  } catch (thrown) {
    const { message } = expectFailure(thrown);
    rig.context.log('maas.forgetful', { level: 'warn', machine: system_id, error: message });
    return undefined;
  }
}

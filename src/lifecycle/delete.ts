import type { Instance } from '../contract/instance.ts';
import type { Machine } from '../contract/machine.ts';
import { exclusively, takeUnder } from './certain.ts';
import { type Life, stepOf } from './find.ts';
import { forgetGuest } from './guest.ts';
import { isBuilding } from './ownership.ts';
import { changedMeanwhile, guarded, hasDetachedDisks } from './refusals.ts';
import { ensureOff, onOwn } from './stop.ts';

/**
 * Removes the instance's machine; succeeds for one that is proved missing. An adopted machine is given
 * back instead, off and without its mark, unless the operator wants it deleted.
 */
export function remove(life: Life, instance: Instance): Promise<void> {
  return exclusively(life, instance, async () => {
    await onOwn(life, instance, 'delete', (machine) => removeOwn(life, machine, instance));
    await forgetGuest(life, instance);
  });
}

async function removeOwn(life: Life, machine: Machine, instance: Instance): Promise<void> {
  const { driver } = life;
  const { mark } = machine;
  const adopted = typeof mark === 'object' && mark.origin === 'adopted';
  if (adopted && !driver.policy.deleteAdopted) return release(life, machine, instance);
  const guard = isBuilding(machine) ? undefined : driver.guard?.(machine);
  if (guard !== undefined) throw guarded(machine, instance, guard);
  if (driver.policy.deleteDetachedDisks === false) await refuseDetached(life, machine, instance);
  await driver.destroy(machine, stepOf(life, instance));
}

async function refuseDetached(life: Life, machine: Machine, instance: Instance): Promise<void> {
  const driver = await life.driver.disks?.();
  if (driver === undefined) return;
  const { disks } = await driver.list(machine, stepOf(life, instance));
  const detached = disks.filter(({ slot }) => slot === undefined).map(({ name }) => name);
  if (detached.length > 0) throw hasDetachedDisks(machine, instance, detached);
}

/** Switching off may count as a change of the machine: a lost write is done once more over it as it is. */
async function release(life: Life, machine: Machine, instance: Instance): Promise<void> {
  const { driver, context } = life;
  const step = stepOf(life, instance);
  await ensureOff(life, machine, instance, 'hard');
  const unmarked = await driver.writeMark(machine, undefined, step);
  if (unmarked === 'lost') {
    const now = await takeUnder(life, machine.remoteId, instance);
    const again = now === undefined ? 'lost' : await driver.writeMark(now, undefined, step);
    if (again === 'lost') throw changedMeanwhile(machine, instance);
  }
  context.log('machine.released', { machine: machine.remoteId });
}

import type { StopManner } from '../contract/driver.ts';
import type { Instance } from '../contract/instance.ts';
import type { Machine } from '../contract/machine.ts';
import { exclusively, findForChange } from './certain.ts';
import { type Life, stepOf } from './find.ts';
import { isBuilding } from './ownership.ts';

/** Succeeds at once for a machine that is off or proved missing; removes what was never finished. */
export function stop(life: Life, instance: Instance, manner: StopManner): Promise<void> {
  return exclusively(life, instance, () =>
    onOwn(life, instance, 'stop', (machine) => ensureOff(life, machine, instance, manner)),
  );
}

/** How often a machine is looked for again that was not where it had been found. */
const mostRounds = 5;

/**
 * Does the work on the instance's finished machine, after removing everything of the instance that
 * was never finished: no later action would remove it. Does nothing for an instance that is proved to
 * have no machine. A machine that is not where it was found any more is looked for once more: it has
 * been removed, or has moved to another node.
 */
export async function onOwn(
  life: Life,
  instance: Instance,
  verb: 'stop' | 'delete',
  work: (machine: Machine) => Promise<void>,
): Promise<void> {
  const { driver, context } = life;
  for (let round = 1; ; round += 1) {
    const choice = await findForChange(life, instance);
    if (choice.kind === 'missing') return context.log(`${verb}.missing`);
    if (choice.kind === 'leaving') {
      for (const leaving of choice.machines) await endLeaving(life, leaving, instance, verb, work);
      return;
    }
    const { machine, partials = [] } = choice;
    try {
      for (const partial of partials) await discard(life, partial, instance);
      if (isBuilding(machine) && (await discard(life, machine, instance))) return;
      return await work(machine);
    } catch (thrown) {
      if (driver.isAbsent?.(thrown, machine) !== true || round === mostRounds) throw thrown;
      context.log('machine.moved', { machine: machine.remoteId });
    }
  }
}

/**
 * A stop leaves a removal that is under way alone, which would not come to its end without power. Where
 * the removal has failed, a stop switches the machine off, or removes it if it was never finished.
 */
async function endLeaving(
  life: Life,
  machine: Machine,
  instance: Instance,
  verb: 'stop' | 'delete',
  work: (machine: Machine) => Promise<void>,
): Promise<void> {
  const { stuck = false } = machine;
  life.context.log('machine.leaving', { machine: machine.remoteId, stuck });
  if (verb === 'delete' || (stuck && isBuilding(machine))) {
    await life.driver.destroy(machine, stepOf(life, instance));
  } else if (stuck) await work(machine);
}

/** Removes an unfinished machine; answers `false` for one that another call has finished meanwhile. */
export async function discard(
  { driver, context }: Life,
  machine: Machine,
  instance: Instance,
): Promise<boolean> {
  const step = { instance, deadline: context.deadline };
  context.log('machine.unfinished', { machine: machine.remoteId });
  if ((await driver.claimRemoval?.(machine, step)) === false) {
    context.log('machine.finished-meanwhile', { machine: machine.remoteId });
    return false;
  }
  await driver.destroy(machine, step);
  return true;
}

/**
 * Ends with the machine off, and with nothing under way that would switch it on again. A running
 * guest is asked first when `graceful`, for as long as the operator allows and half of the time lasts,
 * so that enough of it is left to cut the power. Memory that is saved to disk is left alone.
 */
export async function ensureOff(
  life: Life,
  machine: Machine,
  instance: Instance,
  manner: StopManner,
): Promise<void> {
  const { driver, context } = life;
  const step = stepOf(life, instance);
  const state = await driver.state(machine, 'stop', context.deadline);
  if (state === 'saved') {
    return context.log('stop.saved', { machine: machine.remoteId, level: 'warn' });
  }
  const graceful = manner === 'graceful' && state === 'on';
  const down = state === 'off' || (graceful && (await shutDown(life, machine, instance)));
  if (!down) await driver.cutPower(machine, step);
  await driver.ensureStaysOff?.(machine, step);
}

async function shutDown(life: Life, machine: Machine, instance: Instance): Promise<boolean> {
  const { driver, context } = life;
  const ms = Math.min(driver.policy.graceSeconds * 1000, context.deadline.remainingMs() / 2);
  if (ms >= 1 && (await driver.shutDown(machine, stepOf(life, instance), ms))) return true;
  context.log('stop.ungraceful', { machine: machine.remoteId, waitedMs: Math.round(ms) });
  return false;
}

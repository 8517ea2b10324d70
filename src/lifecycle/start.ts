import type { Blueprint, Plan } from '../contract/driver.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Machine, State } from '../contract/machine.ts';
import { exclusively, take } from './certain.ts';
import { checkLinks } from './demands.ts';
import { type Life, stepOf } from './find.ts';
import { withGuest } from './guest.ts';
import { notRunning, otherHardware } from './refusals.ts';

/** Brings CPUs, memory and NICs to what the instance says, then switches on; built machines only. */
export function start(life: Life, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  return exclusively(life, instance, () =>
    withGuest(life, instance, async (watched, given) => {
      checkLinks(life.driver, instance);
      const { deadline } = life.context;
      const machine = await take(watched, instance);
      await ensureOn(watched, machine, { instance: given, blueprint, deadline });
    }),
  );
}

/**
 * Ends with the machine on. A machine that is neither off nor as the instance says is refused: its
 * network would change under a running guest, or its saved memory would go on with another one.
 */
export async function ensureOn({ driver }: Life, machine: Machine, plan: Plan): Promise<Machine> {
  const state = await driver.state(machine, 'start', plan.deadline);
  if (state === 'off') return driver.powerOn(machine, plan);
  if (!(await driver.hasHardware(machine, plan))) {
    throw otherHardware(machine, plan.instance, state);
  }
  return state === 'on' ? machine : driver.resume(machine, plan);
}

/** Ends when the guest is really back. */
export function reboot(life: Life, instance: Instance): Promise<void> {
  return exclusively(life, instance, async () => {
    const machine = await take(life, instance);
    await ensureRunning(life, machine, instance);
    await life.driver.restart(machine, stepOf(life, instance));
  });
}

/** Fails for a machine that is not switched on, paused or not. */
export async function ensureRunning(
  { driver, context }: Life,
  machine: Machine,
  instance: Instance,
): Promise<void> {
  const state = await driver.state(machine, 'use', context.deadline);
  if (!isUp(state)) throw notRunning(machine, instance, state);
}

export function isUp(state: State): boolean {
  return state === 'on' || state === 'paused';
}

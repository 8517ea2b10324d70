import type { Context, Step } from '../contract/context.ts';
import type { Driver, Purpose } from '../contract/driver.ts';
import type { Instance } from '../contract/instance.ts';
import type { Choice, Machine } from '../contract/machine.ts';
import { Failure } from '../failure.ts';
import { type Claim, chooseOwn, verdictOn } from './ownership.ts';

/** One call's driver and what the call may use. */
export interface Life {
  readonly driver: Driver;
  readonly context: Context;
}

export function stepOf({ context }: Life, instance: Instance): Step {
  return { instance, deadline: context.deadline };
}

/** The rules' answer to which machine is the instance's; nothing is changed. */
export async function find(life: Life, instance: Instance, purpose: Purpose): Promise<Choice> {
  const { driver, context } = life;
  const { deadline } = context;
  const claim = claimOf(life, instance);
  if (driver.find === undefined) return chooseOwn(await driver.list('own', deadline), claim);
  const choice = await driver.find({ instance, deadline }, purpose);
  if (choice.kind === 'own') refuseForeign(life, choice.machine, instance);
  return choice;
}

/** Fails for a machine that a driver takes for the instance's although its mark does not say so. */
export function refuseForeign({ context }: Life, machine: Machine, { uuid, name }: Instance): void {
  const { installation } = context;
  if (verdictOn(machine, { uuid, installation }) === 'ours') return;
  throw new Failure(
    'internal',
    `The driver gave machine ${machine.remoteId} for ${name}, but its mark is not this instance's`,
    { advice: 'Please report it: nothing was changed' },
  );
}

export function claimOf({ driver, context }: Life, instance: Instance): Claim {
  return {
    uuid: instance.uuid,
    name: instance.name,
    installation: context.installation,
    storedId: driver.storedId?.(instance),
    adoptUnmarked: driver.policy.adoptUnmarked,
  };
}

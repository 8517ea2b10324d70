import type { Instance } from '../contract/instance.ts';
import type { Power, State } from '../contract/machine.ts';
import { find, type Life } from './find.ts';
import { isBuilding } from './ownership.ts';

/** `missing` is proved, and an expected answer; anything in doubt is `unknown` and never `off`. */
export async function power(life: Life, instance: Instance): Promise<Power | 'missing'> {
  const { driver, context } = life;
  const choice = await find(life, instance, 'power');
  if (choice.kind === 'missing') return 'missing';
  if (choice.kind === 'own' || choice.kind === 'adoptable') {
    if (isBuilding(choice.machine)) return 'unknown';
    return powerOf(await driver.state(choice.machine, 'report', context.deadline));
  }
  const doubt = choice.kind === 'doubtful' ? choice.doubt : choice.kind;
  context.log('power.doubtful', { doubt, level: 'warn' });
  return 'unknown';
}

/** Saved memory would be thrown away by the stop that CloudStack sends for a machine that is `off`. */
export function powerOf(state: State): Power {
  if (state === 'on' || state === 'paused') return 'on';
  return state === 'off' ? 'off' : 'unknown';
}

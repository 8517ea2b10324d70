import type { Console } from '../contract/driver.ts';
import type { Instance } from '../contract/instance.ts';
import { Failure } from '../failure.ts';
import { show } from './certain.ts';
import { type Life, stepOf } from './find.ts';

/** Where the instance's screen is to be seen; never another machine's. */
export async function openConsole(life: Life, instance: Instance): Promise<Console> {
  const { driver } = life;
  if (driver.console === undefined) {
    const sentence = 'This provider offers no console';
    throw new Failure('unsupported', sentence, { tenant: sentence });
  }
  return driver.console(stepOf(life, instance), () => show(life, instance));
}

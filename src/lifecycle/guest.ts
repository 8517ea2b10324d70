import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Life } from './find.ts';

/*
 * The data that CloudStack's network half keeps for a guest, as create, start and delete use them. The
 * work is loaded only where the provider has a place for such data.
 */

type Work = (life: Life, instance: SizedInstance) => Promise<void>;

/** Does the work of a create or a start with the data that are kept for the guest. */
export async function withGuest(life: Life, instance: SizedInstance, work: Work): Promise<void> {
  if (life.driver.guests === undefined) return work(life, instance);
  const { handOver } = await import('./hand-over.ts');
  return handOver(life, instance, work);
}

/** The end of an instance is the end of what was kept for its guest. */
export async function forgetGuest(life: Life, instance: Instance): Promise<void> {
  if (life.driver.guests === undefined) return;
  await (await import('./hand-over.ts')).forget(life, instance);
}

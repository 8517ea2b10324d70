import type { StopManner } from '../../../contract/driver.ts';
import type { Power } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import type { Order } from '../api/command.ts';
import { steps } from '../api/commands.ts';
import { isFromPowerShell, isLost } from '../api/trouble.ts';
import type { Found } from './find.ts';
import type { Rig } from './session.ts';

/** What is on its way somewhere is in doubt, as are other Critical forms; a saved one has data at stake. */
export function powerOf(state: string): Power {
  if (/^(Running|Paused)(Critical)?$/.test(state)) return 'on';
  return state === 'Off' ? 'off' : 'unknown';
}

/** The machine without power; a guest that runs is asked first, for as long as its grace lasts. */
export async function powerOff(rig: Rig, found: Found, manner: StopManner): Promise<void> {
  if (isOff(found.state)) return;
  if (isSaved(found.state)) return order(rig, found, 'forget', isOff);
  if (manner === 'graceful' && found.state === 'Running' && (await shutDown(rig, found))) return;
  await order(rig, found, 'cut', isOff);
}

/** Whether the guest shut down within its grace; enough of the time is kept to cut the power. */
export async function shutDown(rig: Rig, { id, proof }: Found): Promise<boolean> {
  const { host, settings, context } = rig;
  const graceMs = Math.min(settings.grace_seconds * 1000, context.deadline.remainingMs() / 2);
  if (graceMs <= 0) return false;
  const startedMs = performance.now();
  // Asked twice, a guest that is on its way down would seem to refuse.
  const { asked } = await host
    .ask(steps.power, { id, proof, order: 'ask' }, { once: true })
    .catch(notThatWay);
  for (let pauseMs = 50; asked && performance.now() - startedMs < graceMs; pauseMs *= 1.5) {
    if (isOff(await look(rig, id))) return true;
    const leftMs = Math.max(0, graceMs - (performance.now() - startedMs));
    await context.deadline.sleep(
      Math.min(pauseMs, 1000, leftMs),
      'waiting for the guest to shut down',
    );
  }
  context.log('stop.ungraceful', { machine: id, asked, waitedMs: Math.round(graceMs) });
  return isOff(await look(rig, id));
}

/** A guest that was perhaps asked is watched as one that was. */
function notThatWay(thrown: unknown): { readonly asked: boolean } {
  if (isFromPowerShell(thrown)) return { asked: false };
  if (isLost(thrown)) return { asked: true };
  throw thrown;
}

/**
 * Gives an order and waits until the machine is where it shall be. An error of Hyper-V's alone
 * proves nothing: the state decides.
 */
export async function order(
  rig: Rig,
  { id, proof, name }: Found,
  what: Order,
  reached: (state: string) => boolean,
): Promise<void> {
  let refusal: unknown;
  try {
    await rig.host.ask(steps.power, { id, proof, order: what });
  } catch (thrown) {
    if (!isFromPowerShell(thrown)) throw thrown;
    refusal = thrown;
  }
  await poll(rig.context.deadline, `waiting for ${name} after "${what}"`, async () => {
    const state = await look(rig, id);
    if (reached(state)) return true;
    if (refusal !== undefined && !isOnItsWay(state)) throw refusal;
    if (state === '') throw new Failure('not-found', `${name} vanished after "${what}"`);
    return undefined;
  });
}

export async function look({ host }: Rig, id: string): Promise<string> {
  return (await host.ask(steps.look, { id })).state;
}

export function isRunning(state: string): boolean {
  return state === 'Running';
}

export function isOff(state: string): boolean {
  return state === 'Off';
}

function isOnItsWay(state: string): boolean {
  return /^(Starting|Stopping|Saving|Pausing|Resuming|Reset|FastSaving)/.test(state);
}

export function isSaved(state: string): boolean {
  return /^(Fast)?Saved/.test(state);
}

import type { Instance } from '../../../contract/instance.ts';
import type { Machine } from '../api/wire.ts';
import { askBmc } from './bmc.ts';
import { withoutPower } from './deploy-failures.ts';
import type { Rig } from './session.ts';

/** Called with every look at the machine; fails once it has been without power for too long. */
export type Watch = (machine: Machine, instance: Instance) => Promise<void>;

/**
 * A BMC that refuses to switch on leaves MAAS waiting without a word until its own time-out, so
 * that the power itself is looked at. A machine that reboots is off for a moment only.
 */
export function watchPower(rig: Rig, systemId: string): Watch {
  const { deadline } = rig.context;
  const mostMs = rig.settings.power_timeout_seconds * 1000;
  let darkSinceMs: number | undefined;
  let nextMs = deadline.remainingMs() - mostMs / 4;
  return async (machine: Machine, instance: Instance): Promise<void> => {
    const nowMs = deadline.remainingMs();
    if (nowMs > nextMs) return;
    nextMs = nowMs - mostMs / 4;
    const state = await askBmc(rig, systemId, Math.min(35_000, nowMs));
    if (state !== 'off' && state !== 'error') darkSinceMs = undefined;
    else darkSinceMs ??= nowMs;
    if (darkSinceMs === undefined || darkSinceMs - nowMs < mostMs) return;
    throw withoutPower(instance, machine, state, darkSinceMs - nowMs);
  };
}

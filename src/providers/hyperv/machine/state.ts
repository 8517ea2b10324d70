import type { State } from '../../../contract/machine.ts';

/**
 * The state of a machine, from Hyper-V's word for it. A machine that is on its way somewhere is in doubt,
 * and so is one that is off without its storage; one that ran when it lost its storage is halted.
 */
export function stateOf(state: string): State {
  if (isRunning(state)) return 'on';
  if (/^(RunningCritical|Paused(Critical)?)$/.test(state)) return 'paused';
  if (isSaved(state)) return 'saved';
  return isOff(state) ? 'off' : 'unknown';
}

export function isRunning(state: string): boolean {
  return state === 'Running';
}

export function isOff(state: string): boolean {
  return state === 'Off';
}

export function isSaved(state: string): boolean {
  return /^(Fast)?Saved/.test(state);
}

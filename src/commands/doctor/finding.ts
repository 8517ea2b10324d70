import type { Check } from '../../contract/provider.ts';

export type Layer = 'server' | 'settings' | 'network' | 'provider';

/** One line of doctor's answer. */
export interface Finding extends Check {
  readonly layer: Layer;
}

/** Names the layer that checks belong to. */
export function inLayer(layer: Layer, checks: readonly Check[]): Finding[] {
  return checks.map((check) => ({ layer, ...check }));
}

/** A part works. */
export function ok(name: string, found: string): Check {
  return { name, state: 'ok', found };
}

/** A part works, but not as well as it should. */
export function warn(name: string, found: string, advice: string): Check {
  return { name, state: 'warn', found, advice };
}

/** A part does not work. */
export function fail(name: string, found: string, advice?: string): Check {
  return { name, state: 'fail', found, ...(advice === undefined ? {} : { advice }) };
}

/** A check that could not be made, or need not be. */
export function skipped(name: string, found: string): Check {
  return { name, state: 'skipped', found };
}

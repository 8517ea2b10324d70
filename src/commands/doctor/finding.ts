import type { Check } from '../../contract/provider.ts';

export type Layer = 'server' | 'settings' | 'network' | 'provider' | 'cloudstack';

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

/**
 * The same findings, each said once: one that is there already goes, and a further check that fails for the very
 * same reason is skipped, so that one cause is one line.
 */
export function once(findings: readonly Finding[]): Finding[] {
  const told = new Map<string, Finding>();
  return findings.flatMap((finding) => {
    const { name, state, found, layer } = finding;
    const first = told.get(`${state} ${found}`);
    told.set(`${state} ${found}`, first ?? finding);
    if (first?.name === name) return [];
    if (first === undefined || state !== 'fail') return [finding];
    return [{ layer, ...skipped(name, `fails for the same reason as ${first.name}`) }];
  });
}

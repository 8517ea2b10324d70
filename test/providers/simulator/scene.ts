import type { TestContext } from 'node:test';
import type { Backend } from '../../conformance/backend.ts';
import { inScene, type Scene } from '../../conformance/cloud.ts';
import type { Done, Place } from '../../support/world.ts';
import { simulatorBackend, stateOf } from './backend.ts';

/** A case with the simulator's directory at hand. */
export function inState(
  play: (scene: Scene & { readonly state: string }, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  let state = '';
  const setUp = (place: Place): Promise<Backend> => {
    state = stateOf(place);
    return simulatorBackend(place);
  };
  return inScene(setUp, (scene, t) => play({ ...scene, state }, t));
}

/** The text of a failure. */
export function messageOf({ text }: Done): string {
  return (JSON.parse(text) as { error?: string }).error ?? '';
}

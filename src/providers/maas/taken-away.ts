import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';

/** The facts of a failure that means: somebody else has done something with the machine. */
export const takenAwayFacts: Readonly<Record<string, unknown>> = { gone: true };

export function isTakenAway({ facts }: Failure): boolean {
  return facts['gone'] === true;
}

/** Ends whatever is being done to a machine that is no longer the instance's. */
export function takenAway({ name }: Instance, systemId: string): Failure {
  return new Failure('conflict', `Machine ${systemId} is no longer the one of ${name}`, {
    facts: takenAwayFacts,
    tenant: 'The machine of this instance was taken away while something was done to it',
  });
}

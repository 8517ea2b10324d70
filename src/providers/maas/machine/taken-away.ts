import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';

/** Ends whatever is being done to a machine that is no longer the instance's. */
export function takenAway({ name }: Instance, systemId: string): Failure {
  return new Failure('conflict', `Machine ${systemId} is no longer the one of ${name}`, {
    reason: 'taken-away',
    tenant: 'The machine of this instance was taken away while something was done to it',
  });
}

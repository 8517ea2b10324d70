import { Failure } from '../../failure.ts';
import { nearest } from '../../kit/nearest.ts';

export function unknownCommand(action: string, known: readonly string[]): Failure {
  const near = nearest(action, known);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return new Failure('unsupported', `There is no network command "${action}"${hint}`, {
    advice:
      'A NetworkOrchestrator extension serves networks; clusters and their instances need one of type Orchestrator',
  });
}

/** The operator has given the extension a service by hand that `register` never gives it. */
export function refuseForeign(action: string, { service }: { readonly service: string }): Failure {
  return new Failure(
    'unsupported',
    `${action} belongs to the service ${service}, which is not served`,
    {
      advice: `Leave ${service} to CloudStack's virtual router: take it out of the offering and of the extension's network.services`,
    },
  );
}

export function refuseGuests(provider: string): Failure {
  return new Failure('unsupported', `The provider ${provider} keeps no user data for guests`, {
    advice: 'Take UserData out of the offering; it would be lost',
  });
}

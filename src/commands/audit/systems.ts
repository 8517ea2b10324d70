import type { RemoteMachine } from '../../contract/machine.ts';
import type { OpenHost } from './scan.ts';

/** A host with everything it has shown. */
export interface Asked {
  readonly openHost: OpenHost;
  readonly machines: readonly RemoteMachine[];
}

/** The part of it by which systems are told apart. */
export interface Shown extends Pick<Asked, 'machines'> {
  readonly openHost: Pick<OpenHost, 'endpoints' | 'system'> & {
    readonly provider: Pick<OpenHost['provider'], 'name'>;
    readonly host: Pick<OpenHost['host'], 'extension'>;
  };
}

/**
 * A number for the remote system of each host: two extensions may lead to one, and its machines are the same
 * then. One extension is taken for one system where the provider does not tell them apart itself.
 */
export function systemsOf(asked: readonly Shown[]): readonly number[] {
  const systems = asked.map((_, at) => at);
  for (const [at, one] of asked.entries()) {
    const known = asked.slice(0, at).findIndex((other) => isSame(one, other));
    const [from, to] = [systems[at], systems[known]];
    if (from === undefined || to === undefined) continue;
    // All hosts that were joined with either side belong together from now on.
    for (const [index, system] of systems.entries()) if (system === from) systems[index] = to;
  }
  return systems;
}

function isSame(one: Shown, other: Shown): boolean {
  const [a, b] = [one.openHost, other.openHost];
  if (a.provider.name !== b.provider.name) return false;
  if (a.system !== undefined && b.system !== undefined) return a.system === b.system;
  if (a.host.extension === b.host.extension) return true;
  return a.endpoints.some((each) => b.endpoints.includes(each)) || showTheSame(one, other);
}

/** Two nodes of a cluster have addresses of their own and list the same machines. */
function showTheSame(one: Shown, other: Shown): boolean {
  const names = ({ machines }: Shown): string =>
    JSON.stringify(machines.map(({ remoteId, name }) => [remoteId, name]).sort());
  return one.machines.length > 1 && names(one) === names(other);
}

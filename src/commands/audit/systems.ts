import type { RemoteMachine } from '../../contract/machine.ts';
import type { OpenHost } from './scan.ts';

/** A host with everything it has shown. */
export interface Asked {
  readonly openHost: OpenHost;
  readonly machines: readonly RemoteMachine[];
}

/**
 * A number for the remote system of each host: two extensions may lead to one, and its machines are the same
 * then. One extension is taken for one system.
 */
export function systemsOf(asked: readonly Asked[]): readonly number[] {
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

function isSame(one: Asked, other: Asked): boolean {
  const [a, b] = [one.openHost, other.openHost];
  if (a.provider.name !== b.provider.name) return false;
  if (a.host.extension === b.host.extension) return true;
  return a.endpoints.some((each) => b.endpoints.includes(each)) || showTheSame(one, other);
}

/** Two nodes of a cluster have addresses of their own and list the same machines. */
function showTheSame(one: Asked, other: Asked): boolean {
  const names = ({ machines }: Asked): string =>
    JSON.stringify(machines.map(({ remoteId, name }) => [remoteId, name]).sort());
  return one.machines.length > 1 && names(one) === names(other);
}

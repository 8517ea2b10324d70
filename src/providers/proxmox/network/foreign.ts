import { Failure } from '../../../failure.ts';
import { readVnets, readZones, type Vnet, type Zone } from './objects.ts';
import type { NetworkSession } from './session.ts';

/*
 * An apply takes the waiting changes of everybody along: one that an administrator has not finished may
 * cut off machines. Waiting changes without the mark of this installation are such changes.
 */

/** The objects of the SDN as they are now; fails when a change of another author waits for an apply. */
export async function readUnlessForeign(
  session: NetworkSession,
): Promise<{ readonly vnets: readonly Vnet[]; readonly zones: readonly Zone[] }> {
  const [vnets, zones] = await Promise.all([readVnets(session), readZones(session)]);
  const foreign = [...foreignVnets(session, vnets), ...waitingZones(zones)];
  if (foreign.length > 0) throw notFinished(foreign.join(', '));
  return { vnets, zones };
}

/** Waiting changes of vnets by other authors, in words. */
export function foreignVnets(
  { context: { installation } }: NetworkSession,
  vnets: readonly Vnet[],
): readonly string[] {
  return vnets
    .filter(({ state }) => state !== 'applied')
    .filter(({ mark }) => typeof mark !== 'object' || mark.installation !== installation)
    .map(({ remoteId, state }) => `vnet ${remoteId} (${state})`);
}

/** Zones are the operator's alone. */
export function waitingZones(zones: readonly Zone[]): readonly string[] {
  return zones
    .filter(({ state }) => state !== 'applied')
    .map(({ zone, state }) => `zone ${zone} (${state})`);
}

export function notFinished(found: string): Failure {
  return new Failure(
    'conflict',
    `Refused to apply the SDN configuration: changes of another author wait for it: ${found}`,
    {
      advice:
        'Apply them, or take them back, under Datacenter > SDN (pvesh set /cluster/sdn, or pvesh create /cluster/sdn/rollback in Proxmox VE 9), then try again',
      tenant: 'The network is being changed by an administrator; please try again later',
    },
  );
}

import type { Deadline } from '../../../contract/context.ts';
import type { Nic, SizedInstance } from '../../../contract/instance.ts';
import type { Said } from '../protocol/machine.ts';
import { onMachine } from './request.ts';
import type { Seen, Session } from './session.ts';

/**
 * Whether CPUs, memory and NICs are what the instance says. Hardware that the driver does not report counts
 * as different: a guest that runs may be on a network that is another instance's by now.
 */
export async function hasHardware(
  session: Session,
  machine: Seen,
  instance: SizedInstance,
  deadline: Deadline,
): Promise<boolean> {
  if (session.fixedHardware) return true;
  if (!session.has('has-hardware')) return isEqual(machine.said, instance);
  const what = `compare the hardware of machine ${machine.remoteId}`;
  const request = onMachine(machine, instance);
  return (await session.client.ask('has-hardware', request, { what, deadline })).same;
}

function isEqual({ cpus, memoryBytes, nics }: Said, instance: SizedInstance): boolean {
  if (cpus !== instance.cpus || memoryBytes !== instance.memoryBytes) return false;
  if (nics?.length !== instance.nics.length) return false;
  return nics.every((nic, at) => isSame(nic, instance.nics[at]));
}

/** A driver that does not tell the VLAN is compared by the MAC address alone. */
function isSame(
  { mac, vlan }: NonNullable<Said['nics']>[number],
  wanted: Nic | undefined,
): boolean {
  if (mac.toLowerCase() !== wanted?.mac) return false;
  if (vlan === undefined) return true;
  const { segment } = wanted;
  return segment.kind === 'vlan' ? vlan === segment.id : vlan === segment.kind;
}

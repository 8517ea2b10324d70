import type { Instance } from '../../../contract/instance.ts';
import type { Machine as Candidate } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { steps } from '../api/commands.ts';
import type { Listed, Listing } from '../api/wire.ts';
import type { Rig } from './session.ts';

/** A virtual machine as the rules of ownership want it. */
export interface Seen extends Candidate {
  readonly listed: Listed;
}

/** All machines of the host; fails when the account might not see them all. */
export async function lookAround({ host }: Rig, last = false): Promise<Listing> {
  const listing = await host.ask(steps.machines, {}, { last });
  if (listing.sees) return listing;
  throw new Failure(
    'denied',
    `The account ${listing.account} is shown no virtual machines on ${listing.host}: it may not manage Hyper-V there`,
    {
      advice:
        'Put it into the group "Hyper-V Administrators" of the host; a local administrator needs LocalAccountTokenFilterPolicy=1 there. No machine counts as gone until then',
    },
  );
}

/** Whether the machine is not there any more; fails where nothing proves that. */
export async function isGone(rig: Rig, id: string): Promise<boolean> {
  const { machines } = await lookAround(rig);
  return machines.every((machine) => machine.id !== id);
}

/** The replica of a machine carries its mark and its id, but runs elsewhere. */
export function isReplica({ replication }: Listed): boolean {
  return /Replica/.test(replication);
}

const uuidBehind = /^(.+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The name that CloudStack knows: the built-in extension may have put the UUID behind it. */
export function nameWithoutUuid(name: string): string {
  return uuidBehind.exec(name)?.[1] ?? name;
}

export function toSeen(listed: Listed): Seen {
  return {
    listed,
    remoteId: listed.id,
    name: nameWithoutUuid(listed.name),
    mark: readMark(listed.notes),
  };
}

/** Missing here proves nothing where the machine may be a replica or on another cluster node. */
export function checkElsewhere(
  { context }: Rig,
  instance: Instance,
  { host, machines, cluster }: Listing,
): void {
  const { uuid, name } = instance;
  const replica = machines.some((machine) => {
    const mark = readMark(machine.notes);
    return isReplica(machine) && typeof mark === 'object' && mark.uuid === uuid;
  });
  if (replica) {
    throw new Failure('conflict', `${host} holds only the Hyper-V replica of ${name}`, {
      advice: 'Fail it over to this host, or set this up for the host that runs it',
    });
  }
  if (!cluster.member) return;
  const there = cluster.elsewhere.find((group) => isNamed(group.name, instance));
  if (there !== undefined) {
    context.log('find.elsewhere', { group: there.name, node: there.node, level: 'warn' });
    throw clustered(name, `runs as a role of the failover cluster on ${there.node}`);
  }
  if (!cluster.known) {
    throw new Failure(
      'conflict',
      `${name} is not on ${host}, but ${host} is in a failover cluster whose roles cannot be listed`,
      { advice: 'Give the account read access to the cluster: Grant-ClusterAccess -ReadOnly' },
    );
  }
}

/** Whether a machine or a role is called by the instance's name, with or without its own UUID. */
export function isNamed(given: string, { name, uuid }: Pick<Instance, 'name' | 'uuid'>): boolean {
  const word = given.toLowerCase();
  return word === name.toLowerCase() || word === `${name}-${uuid}`.toLowerCase();
}

export function clustered(name: string, how: string): Failure {
  return new Failure('conflict', `${name} ${how}: clustered machines are not managed`, {
    advice:
      'Take its role out of the cluster (Remove-ClusterGroup) or manage it with Failover Clustering',
    tenant: 'This instance is managed by other means; ask your administrator',
  });
}

import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import { type Claim, chooseOwn } from '../../../lifecycle/ownership.ts';
import type { Listed, Listing } from '../api/wire.ts';
import { type HostMachine, isReplica, leftBy, ownMachines, readListing } from './list.ts';
import type { Session } from './session.ts';

/**
 * The instance's machine among all on the host. A machine that a killed create could not mark any more
 * counts as being built; a role of a failover cluster is shown and never changed.
 */
export async function find(
  session: Session,
  instance: Instance,
  purpose: Purpose,
): Promise<Choice<HostMachine>> {
  // A status asks nothing else, so that the PowerShell there may end by itself.
  const listing = await readListing(session, purpose === 'power');
  const choice = choose(session, instance, listing);
  if (choice.kind === 'missing') refuseElsewhere(session, instance, listing);
  if (purpose === 'power') return choice;
  const { findUnmarked } = await import('./partial.ts');
  const unmarked = await findUnmarked(session, instance, choice);
  if (unmarked !== undefined) return unmarked;
  if (purpose !== 'show') refuseClustered(instance, choice);
  return choice;
}

function choose(session: Session, instance: Instance, listing: Listing): Choice<HostMachine> {
  const machines = ownMachines(listing).filter(
    ({ listed }) => leftBy(listed.notes) !== instance.uuid,
  );
  const choice = chooseOwn(machines, claimOf(session, instance, listing.machines));
  if (choice.kind !== 'adoptable' || isNamed(choice.machine.listed.name, instance)) return choice;
  // With another UUID behind its name it was made for an instance of another CloudStack.
  return { kind: 'doubtful', doubt: 'unmarked', machines: [choice.machine] };
}

export function claimOf(
  { settings, context }: Session,
  { uuid, name, stored }: Instance,
  machines: readonly Listed[],
): Claim {
  const full = `${name}-${uuid}`;
  // The UUID in a machine's own name points at the instance as surely as a stored id does.
  const named = machines.find((machine) => machine.name === full)?.id;
  return {
    ...{ uuid, name },
    installation: context.installation,
    storedId: named ?? stored['hyperv_id']?.toLowerCase(),
    adoptUnmarked: settings.adopt_unmarked,
  };
}

/** Missing here proves nothing where the machine may be a replica or on another cluster node. */
function refuseElsewhere({ context }: Session, instance: Instance, listing: Listing): void {
  const { uuid, name } = instance;
  const { host, machines, cluster } = listing;
  if (machines.some((machine) => isReplica(machine) && isMarkedBy(machine, uuid))) {
    throw new Failure('conflict', `${host} holds only the Hyper-V replica of ${name}`, {
      advice:
        'Look at the host that runs it (Get-VMReplication): the CloudStack host of the instance has to stand for that one. Only where that host is lost for good, fail it over to this one',
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

function isMarkedBy({ notes }: Listed, uuid: string): boolean {
  const mark = readMark(notes);
  return typeof mark === 'object' && mark.uuid === uuid;
}

/** Whether a machine or a role is called by the instance's name, with or without its own UUID. */
function isNamed(given: string, { name, uuid }: Instance): boolean {
  const word = given.toLowerCase();
  return word === name.toLowerCase() || word === `${name}-${uuid}`.toLowerCase();
}

function refuseClustered({ name }: Instance, choice: Choice<HostMachine>): void {
  if (choice.kind !== 'own' && choice.kind !== 'adoptable') return;
  if (choice.machine.listed.clustered) throw clustered(name, 'is a role of a failover cluster');
}

function clustered(name: string, how: string): Failure {
  return new Failure('conflict', `${name} ${how}: clustered machines are not managed`, {
    advice:
      'Manage it with Failover Clustering; should CloudStack manage it, take the role, and not the machine, out of the cluster there first',
    tenant: 'This instance is managed by other means; ask your administrator',
  });
}

import type { Machine } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { readMark } from '../../../lifecycle/mark.ts';
import type { Own } from '../api/command.ts';
import * as reading from '../api/commands/reading.ts';
import type { Adapter, Details, Inventory, Listed, Listing } from '../api/wire.ts';
import { ask, type Session } from './session.ts';

/** A virtual machine as the rules of ownership look at it. */
export interface HostMachine extends Machine {
  readonly name: string;
  readonly listed: Listed;
  /** Its network adapters, where this call has made the machine and knows them. */
  readonly adapters?: readonly Adapter[];
  /** The facts that only an audit reads of it. */
  readonly audited?: Audited;
}

export interface Audited {
  readonly held: Inventory['machines'][number] | undefined;
  /** The instance whose create was killed before it could mark the machine. */
  readonly madeFor: string | undefined;
  readonly looseDisks: readonly string[];
  /** Why it cannot be told whether there are such disks. */
  readonly doubt: string | undefined;
}

/** Lists the machines of the host; fails when the account might not see all of them. */
export async function readListing(session: Session, last = false): Promise<Listing> {
  const listing = await ask(session, reading.machines, {}, { last });
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

/** Machines that this host is to report; a role of its cluster that is on another node is in doubt. */
export async function listForReport(session: Session): Promise<readonly HostMachine[]> {
  const listing = await readListing(session, true);
  const { cluster, host } = listing;
  if (cluster.member && !cluster.known) throw rolesUnknown(host);
  const others = session.settings.other_nodes?.map((node) => node.toLowerCase()) ?? [];
  const away = cluster.elsewhere.filter(({ node }) => !others.includes(node.toLowerCase()));
  return [...ownMachines(listing), ...away.map(({ name }) => roleElsewhere(name))];
}

/** The machines that this host can answer for: a replica runs on another one. */
export function ownMachines({ machines }: Listing): readonly HostMachine[] {
  return machines.filter((listed) => !isReplica(listed)).map(toMachine);
}

/** Whether the machine is not there any more; fails where nothing proves that. */
export async function isGone(session: Session, id: string): Promise<boolean> {
  const { machines } = await readListing(session);
  return machines.every((machine) => machine.id !== id);
}

/** Everything about one machine that decides what may be done with it. */
export function readDetails(
  session: Session,
  { remoteId: id }: Pick<HostMachine, 'remoteId'>,
): Promise<Details> {
  return ask(session, reading.machine, { id });
}

/** The replica of a machine carries its mark and its id, but runs elsewhere. */
export function isReplica({ replication }: Pick<Listed, 'replication'>): boolean {
  return /Replica/.test(replication);
}

export function toMachine(listed: Listed): HostMachine {
  const { id: remoteId, name, notes } = listed;
  return { listed, remoteId, name: nameWithoutUuid(name), mark: readMark(notes) };
}

const uuidBehind = /^(.+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** The name that CloudStack knows: the built-in extension may have put the UUID behind it. */
function nameWithoutUuid(name: string): string {
  return uuidBehind.exec(name)?.[1] ?? name;
}

/** The proof that the host checks before it changes the machine: its notes still name the instance. */
export function ownOf({ remoteId: id, mark, listed }: HostMachine): Own {
  const isMarked = readMark(listed.notes) !== undefined && typeof mark === 'object';
  return { id, proof: isMarked ? mark.uuid : '' };
}

/** The instance's name for texts. */
export function nameOf({ mark, name }: HostMachine): string {
  return typeof mark === 'object' ? mark.name : name;
}

/** The line that a machine keeps in its notes after it was released. */
export const leftLine = /^outrigger-left:([0-9a-f-]{36})\r?$/m;

/** The instance whose deletion gave the machine back. */
export function leftBy(notes: string): string | undefined {
  return readMark(notes) === undefined ? leftLine.exec(notes)?.[1] : undefined;
}

/** Which machine it is, and whose, its own node could tell. */
function roleElsewhere(name: string): HostMachine {
  const unknown = { id: '', state: '', notes: '', path: '', clustered: true, replication: 'None' };
  const { name: shown } = toMachine({ ...unknown, name });
  return {
    remoteId: `role ${name}`,
    name: shown,
    mark: 'unreadable',
    listed: { ...unknown, name },
  };
}

function rolesUnknown(host: string): Failure {
  return new Failure(
    'denied',
    `${host} is in a failover cluster whose roles cannot be listed: nothing proves that a missing machine is gone`,
    { advice: 'Give the account read access to the cluster: Grant-ClusterAccess -ReadOnly' },
  );
}

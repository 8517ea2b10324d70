import type { Segment } from '../../../contract/instance.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { powerOf } from '../../../lifecycle/power.ts';
import * as allMachines from '../api/commands/all-machines.ts';
import * as changing from '../api/commands/changing.ts';
import { pathKey } from '../api/paths.ts';
import type { Inventory } from '../api/wire.ts';
import { allPlaces } from './disk.ts';
import { macWithColons } from './hardware.ts';
import { type Audited, type HostMachine, ownMachines, readDetails, readListing } from './list.ts';
import { isBare, madeFor } from './partial.ts';
import { ask, noId, type Session } from './session.ts';
import { stateOf } from './state.ts';
import { listed, usersOf } from './users.ts';

/** All machines with what `audit` and `adopt` show of them; replicas are shown by their own host. */
export async function listForAudit(session: Session): Promise<readonly HostMachine[]> {
  const machines = ownMachines(await readListing(session));
  const madeForNames = await namesOfBare(session, machines);
  const { vhd_path: folder } = session.settings;
  const inventory = await ask(session, allMachines.inventory, { folder }, { paths: [folder] });
  const held = new Map(inventory.machines.map((machine) => [machine.id, machine]));
  const { loose, unsure } = await looseDisks(session, suspectsOf(session, machines, inventory));
  const unseen = inventory.files === null ? `the folder ${folder} cannot be read` : undefined;
  return machines.map((machine) => {
    const { remoteId: id, mark } = machine;
    const doubt = unsure.get(id) ?? (typeof mark === 'object' ? unseen : undefined);
    const disks = { held: held.get(id), looseDisks: loose.get(id) ?? [], doubt };
    return { ...machine, audited: { ...disks, madeFor: madeForNames.get(id) } };
  });
}

/** The instances whose creates were killed before they could mark their machine, by its id. */
async function namesOfBare(
  session: Session,
  machines: readonly HostMachine[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const machine of machines) {
    const made = madeFor(session, machine.listed);
    if (made === undefined) continue;
    if (isBare(await readDetails(session, machine))) names.set(machine.remoteId, made.name);
  }
  return names;
}

interface Suspect {
  readonly id: string;
  readonly uuid: string;
  readonly files: readonly string[];
}

/**
 * Marked machines with files in their places that are connected to no machine: a disk is made before
 * it is connected, and a process may be killed in between.
 */
function suspectsOf(
  { settings }: Session,
  machines: readonly HostMachine[],
  { machines: held, files: all }: Inventory,
): readonly Suspect[] {
  const connected = new Set(held.flatMap(({ disks }) => disks.map(pathKey)));
  const free = new Map(
    (all ?? [])
      .map((file) => [pathKey(file), file] as const)
      .filter(([key]) => !connected.has(key)),
  );
  return machines.flatMap(({ remoteId: id, mark }) => {
    if (typeof mark !== 'object' || mark.remoteId !== id) return [];
    const files = allPlaces(settings, mark).flatMap((path) => free.get(pathKey(path)) ?? []);
    return files.length === 0 ? [] : [{ id, uuid: mark.uuid, files }];
  });
}

interface Loose {
  readonly loose: ReadonlyMap<string, readonly string[]>;
  /** Why it cannot be told whether a machine's files are used. */
  readonly unsure: ReadonlyMap<string, string>;
}

/** The suspects' files that nothing on the host uses, by the machine's id. */
async function looseDisks(session: Session, suspects: readonly Suspect[]): Promise<Loose> {
  const loose = new Map<string, readonly string[]>();
  const unsure = new Map<string, string>();
  const paths = suspects.flatMap(({ files }) => files);
  if (paths.length === 0) return { loose, unsure };
  // A disk with checkpoints is used only as the parent of the one that is connected.
  const users = await usersOf(session, noId, paths);
  const used = new Set(users.used.map(({ path }) => pathKey(path)));
  for (const { id, uuid, files } of suspects) {
    const left = files.filter((file) => !used.has(pathKey(file)));
    // Another action that is at the instance right now may be about to connect its disk.
    if (left.length === 0 || !(await isFree(session, uuid))) continue;
    if (users.unread.length === 0) loose.set(id, left);
    else
      unsure.set(
        id,
        `${left.join(', ')} may be used by a disk that cannot be read: ${listed(users.unread)}`,
      );
  }
  return { loose, unsure };
}

async function isFree(session: Session, uuid: string): Promise<boolean> {
  return (await ask(session, changing.lock, { uuid, forMs: 0 })).got;
}

export function describe(machine: HostMachine): RemoteMachine {
  const { remoteId, name, mark, audited } = machine;
  const building = isBuilding(machine);
  const remarks = remarksOn(machine);
  return {
    ...{ remoteId, name, mark },
    power: building ? 'unknown' : powerOf(stateOf(machine.listed.state)),
    ...(audited?.held === undefined ? {} : sizeOf(audited.held)),
    ...(audited?.madeFor === undefined ? {} : { leftover: true }),
    ...(remarks.length === 0 ? {} : { remarks }),
  };
}

function remarksOn(machine: HostMachine): readonly string[] {
  const { audited } = machine;
  const { madeFor: made, looseDisks: loose = [], doubt } = audited ?? {};
  const by = isBuilding(machine) ? 'stopping or deploying' : 'reinstalling or deleting';
  return [
    ...(made === undefined
      ? []
      : [
          `it was made for ${made} and never marked: stop or deploy ${made}, which removes it, or remove it in Hyper-V`,
        ]),
    ...loose.map(
      (path) =>
        `${path} is its disk, and connected to nothing: ${by} the instance removes it, or delete it once you are sure`,
    ),
    ...(doubt === undefined
      ? []
      : [`whether it has disks that are connected to nothing is unknown: ${doubt}`]),
    ...(machine.listed.clustered
      ? ['it is a role of a failover cluster, which is not managed']
      : []),
    ...(machine.listed.state.endsWith('Critical') ? ['its storage cannot be reached'] : []),
  ];
}

function sizeOf({ cpus, memory, adapters }: NonNullable<Audited['held']>): Partial<RemoteMachine> {
  return {
    cpus,
    memoryBytes: memory,
    nics: adapters.map(({ mac, mode, vlan }) => ({
      mac: macWithColons(mac),
      ...segmentOf(mode, vlan),
    })),
  };
}

function segmentOf(mode: string, vlan: number): { readonly segment?: Segment } {
  if (mode === 'Untagged') return { segment: { kind: 'untagged' } };
  return mode === 'Access' ? { segment: { kind: 'vlan', id: vlan } } : {};
}

import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import { type Claim, chooseOwn, isProved } from '../../../lifecycle/ownership.ts';
import type { Row } from '../api/wire.ts';
import { readIndex } from './index-tag.ts';
import {
  candidateIds,
  indexOf,
  type Machine,
  machineByConfig,
  machineByIndex,
  unreadMachine,
} from './machine.ts';
import { configIfThere, listMachines, nodeLimitMs } from './read.ts';
import type { Session } from './session.ts';

/** The cluster's list where it is at hand, and how sure a missing machine has to be. */
export interface Finding {
  readonly rows?: readonly Row[] | undefined;
  /** Whether a task of ours may be making the machine: it shows nothing of it at first. */
  readonly mayBeMade?: boolean;
}

/**
 * The instance's machine among all that may be; `missing` only when the token sees all there are and,
 * for a change or where it may be, no task of ours is making it.
 */
export async function findMachine(
  session: Session,
  instance: Instance,
  purpose: Purpose,
  { rows, mayBeMade = purpose === 'change' }: Finding = {},
): Promise<Choice<Machine>> {
  const all = rows ?? (await listMachines(session));
  const prepared = Number(instance.stored['proxmox_vmid']);
  const ids = new Set(candidateIds(session.settings, instance));
  const near = all.filter((row) => row.vmid === prepared || mayBe(row, instance, ids));
  const see = purpose === 'power' ? seeForPower : seeSettled;
  const seen = await Promise.all(near.map((row) => see(session, row)));
  const there = seen.filter((machine) => machine !== undefined);
  const counted = purpose === 'create' ? there.filter((each) => isInTheWay(each, instance)) : there;
  const choice = await chooseAmong(session, claimOf(session, instance), counted, all);
  if (choice.kind !== 'missing') return choice;
  if (mayBeMade) {
    const { awaitMakers } = await import('./await-makers.ts');
    const again = await awaitMakers(session, { ids, rows: all });
    if (again) return findMachine(session, instance, purpose, { mayBeMade: false });
  }
  const { proveVisibility } = await import('./visibility.ts');
  await proveVisibility(session);
  return choice;
}

/** Of the machines near the instance; the tags of all others tell whether this installation is known. */
async function chooseAmong(
  session: Session,
  claim: Claim,
  machines: readonly Machine[],
  rows: readonly Row[],
): Promise<Choice<Machine>> {
  const { installation } = claim;
  const isTagged = rows.some((row) => indexOf(row)?.installation === installation);
  const choice = chooseOwn(machines, claim, isTagged);
  if (choice.kind !== 'doubtful' || choice.doubt !== 'installation') return choice;
  // Lists show a tag late, and a person may have taken it off.
  const { scanOwned } = await import('./scan.ts');
  return chooseOwn(machines, claim, isProved(await scanOwned(session), installation));
}

export function claimOf({ settings, context }: Session, { uuid, name, stored }: Instance): Claim {
  return {
    uuid,
    name,
    installation: context.installation,
    storedId: stored['proxmox_vmid'],
    adoptUnmarked: settings.adopt_unmarked,
  };
}

/** Whether a machine could be the instance's, by what lists show. */
function mayBe(row: Row, { uuid, name }: Instance, ids: ReadonlySet<number>): boolean {
  if (readIndex(row.tags)?.uuid === uuid) return true;
  return ids.has(row.vmid) || isSame(row.name, name);
}

/** A stranger that took the id which prepare had chosen stops no create: it takes another id. */
function isInTheWay({ mark, name }: Machine, instance: Instance): boolean {
  return mark !== undefined || isSame(name, instance.name);
}

function isSame(name: string | undefined, other: string): boolean {
  return name?.toLowerCase() === other.toLowerCase();
}

/** By its tags if that will do, else by its configuration; does not wait for a copy to end. */
async function seeForPower(session: Session, row: Row): Promise<Machine | undefined> {
  const index = indexOf(row);
  if (index !== undefined) return machineByIndex(row, index);
  try {
    const config = await configIfThere(session, row, { limitMs: nodeLimitMs });
    if (config !== undefined) return machineByConfig(row, config);
  } catch (thrown) {
    const { outage, message: error } = expectFailure(thrown);
    if (outage) throw thrown;
    session.context.log('machine.unseen', { machine: row.vmid, error });
    return unreadMachine(row);
  }
  return seeMoved(session, row);
}

/** By its configuration, once nothing of ours is still making it. */
async function seeSettled(session: Session, row: Row): Promise<Machine | undefined> {
  const { settle } = await import('./partial.ts');
  const config = await settle(session, row);
  return config === undefined ? seeMoved(session, row) : machineByConfig(row, config);
}

/** A machine that is not where the list has it is looked for once more: it may be on its way. */
async function seeMoved(session: Session, { vmid }: Row): Promise<Machine | undefined> {
  const moved = (await listMachines(session)).find((row) => row.vmid === vmid);
  if (moved === undefined) return undefined;
  const config = await configIfThere(session, moved);
  return config === undefined ? unreadMachine(moved) : machineByConfig(moved, config);
}

import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { expectFailure } from '../../../failure.ts';
import { type Claim, chooseOwn } from '../../../lifecycle/ownership.ts';
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
import { configIfThere, listMachines, nodeLimitMs, proveVisibility } from './read.ts';
import type { Session } from './session.ts';

/**
 * The instance's machine among all that may be, of which `rows` are the cluster's list where it is at
 * hand; `missing` only when the token sees all there are.
 */
export async function findMachine(
  session: Session,
  instance: Instance,
  purpose: Purpose,
  rows?: readonly Row[],
): Promise<Choice<Machine>> {
  const all = rows ?? (await listMachines(session));
  const prepared = Number(instance.stored['proxmox_vmid']);
  const ids = new Set([...candidateIds(session.settings, instance), prepared]);
  const near = all.filter((row) => mayBe(row, instance, ids));
  const see = purpose === 'power' ? seeForPower : seeSettled;
  const seen = await Promise.all(near.map((row) => see(session, row)));
  const there = seen.filter((machine) => machine !== undefined);
  const counted = purpose === 'create' ? there.filter((each) => isInTheWay(each, instance)) : there;
  const choice = chooseOwn(counted, claimOf(session, instance));
  if (choice.kind === 'missing') await proveVisibility(session);
  return choice;
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

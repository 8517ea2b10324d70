import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { expectFailure, Failure } from '../../../failure.ts';
import { type Claim, chooseOwn } from '../../../lifecycle/ownership.ts';
import type { Row } from '../api/wire.ts';
import { readIndex } from './index-tag.ts';
import {
  configIfThere,
  indexOf,
  listMachines,
  nodeLimitMs,
  proveSight,
  type Seen,
  seenByConfig,
  seenByIndex,
  unseen,
} from './read.ts';
import type { Session } from './session.ts';
import { candidateIds } from './vmids.ts';

/** How a machine that may be the instance's is looked at; `undefined` for one that is gone. */
export type See = (session: Session, row: Row) => Promise<Seen | undefined>;

/** The instance's machine for reading: tags suffice, and nothing is taken over. */
export function look(session: Session, instance: Instance): Promise<Choice<Seen>> {
  return choose(session, instance, { see: seeForReading });
}

export function missing({ name, uuid }: Instance): Failure {
  return new Failure('not-found', `There is no machine of ${name} (${uuid})`, {
    tenant: 'This instance has no machine',
  });
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

export interface Choosing {
  readonly see: See;
  /** Which of those that were seen count; all of them unless said otherwise. */
  readonly counts?: (seen: Seen) => boolean;
  /** The cluster's list where it is at hand already. */
  readonly rows?: readonly Row[];
}

/** The instance's machine among all that may be; `missing` only when the token sees all there are. */
export async function choose(
  session: Session,
  instance: Instance,
  { see, counts = () => true, rows }: Choosing,
): Promise<Choice<Seen>> {
  const all = rows ?? (await listMachines(session));
  const prepared = Number(instance.stored['proxmox_vmid']);
  const ids = new Set([...candidateIds(session.settings, instance), prepared]);
  const near = all.filter((row) => mayBe(row, instance, ids));
  const seen = await Promise.all(near.map((row) => see(session, row)));
  const there = seen.filter((each) => each !== undefined);
  const choice = chooseOwn(there.filter(counts), claimOf(session, instance));
  if (choice.kind === 'missing') await proveSight(session);
  return choice;
}

/** Whether a machine could be the instance's, by what lists show. */
function mayBe(row: Row, { uuid, name }: Instance, ids: ReadonlySet<number>): boolean {
  if (readIndex(row.tags)?.uuid === uuid) return true;
  return ids.has(row.vmid) || isSame(row.name, name);
}

/** By its tags if that will do, else by its configuration; does not wait for a copy to end. */
async function seeForReading(session: Session, row: Row): Promise<Seen | undefined> {
  const index = indexOf(row);
  if (index !== undefined) return seenByIndex(row, index);
  try {
    const config = await configIfThere(session, row, { limitMs: nodeLimitMs });
    if (config !== undefined) return seenByConfig(row, config);
  } catch (thrown) {
    const { outage, message: error } = expectFailure(thrown);
    if (outage) throw thrown;
    session.context.log('machine.unseen', { machine: row.vmid, error });
    return unseen(row);
  }
  return seeMoved(session, row);
}

/** One that is not where the list has it is looked for once more: it may be on its way. */
export async function seeMoved(session: Session, { vmid }: Row): Promise<Seen | undefined> {
  const moved = (await listMachines(session)).find((row) => row.vmid === vmid);
  if (moved === undefined) return undefined;
  const config = await configIfThere(session, moved);
  return config === undefined ? unseen(moved) : seenByConfig(moved, config);
}

export function isSame(name: string | undefined, other: string): boolean {
  return name?.toLowerCase() === other.toLowerCase();
}

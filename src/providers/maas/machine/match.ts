import type { Instance } from '../../../contract/instance.ts';
import type { Choice, Machine as Listed, Mark, Power } from '../../../contract/machine.ts';
import { type Claim, chooseOwn, isBuilding, verdictOn } from '../../../lifecycle/ownership.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { homeOf, leftBy, markOf } from './annotations.ts';
import { disownedBy } from './disowned.ts';

/* Which machines are an instance's, and how far they have come; nothing is asked of MAAS here. */

/** A machine as the rules of ownership look at it. */
export interface Seen extends Listed {
  /** As MAAS sent it, perhaps still without the mark that `mark` stands for. */
  readonly machine: Machine;
  /** The user of the key, where the machine was compared with it. */
  readonly account?: string;
  /** The facts that only an inventory shows. */
  readonly inventory?: { readonly power: Power; readonly leftover: Leftover | undefined };
}

/** A claim that a killed call of this program left without a mark, and how to remove it. */
export interface Leftover {
  readonly remarks: readonly string[];
}

/** MAAS's own record, with which a mark has to agree. */
export interface Registry {
  /** The user of the key. */
  readonly account: string;
  /** Whether MAAS finds the machine under the agent name of the instance that it is marked for. */
  readonly isClaimed: (machine: Machine) => boolean;
}

/** Without the record for a machine that was compared with it a moment ago. */
export function seen(machine: Machine, registry?: Registry): Seen {
  const { system_id: remoteId, hostname: name, pool } = machine;
  const stuck = isStuck(machine.status);
  const leaving = stuck || isLeaving(machine.status);
  const where = { node: pool?.name ?? '', home: homeOf(machine) };
  const all = { remoteId, name, mark: markOf(machine), leaving, stuck, ...where, machine };
  if (registry === undefined) return all;
  const { account, isClaimed } = registry;
  return { ...all, account, disowned: disownedBy(machine, account, isClaimed(machine)) };
}

/** The mark of an instance's machine in this installation. */
export function markFor(
  { uuid, name }: Pick<Instance, 'uuid' | 'name'>,
  installation: string,
  remoteId: string,
  state: Mark['state'],
): Mark {
  return { uuid, name, installation, remoteId, state, origin: 'created' };
}

/** Of the machines under the instance's agent name; `undefined` when none of them is its own. */
export function matchClaimed(all: readonly Seen[], claim: Claim): Choice<Seen> | undefined {
  const found = all.filter((each) => !isLeft(each, claim));
  const finished = found.filter((each) => each.mark !== undefined && !isBuilding(each));
  // Whether any mark names this installation, only the list of all machines tells.
  const choice = chooseOwn(finished, { ...claim, storedId: undefined }, true);
  if (choice.kind === 'doubtful') return choice;
  const claims = found.filter((each) => isOurClaim(each, claim)).map((each) => marked(each, claim));
  if (choice.kind === 'own') return { ...choice, partials: claims };
  const strange = found.filter(isStrange);
  if (strange.length > 0) return { kind: 'doubtful', doubt: 'unmarked', machines: strange };
  const [first, ...more] = claims;
  if (first !== undefined) return { kind: 'own', machine: first, partials: more };
  // MAAS keeps the agent name while it erases disks.
  return choice.kind === 'leaving' ? choice : undefined;
}

/** Of all machines that there are, for those that go by their mark alone. */
export function matchAll(
  all: readonly Seen[],
  claim: Claim,
  { isClaimed }: Registry,
): Choice<Seen> {
  return chooseOwn(
    all.filter((each) => !isLeft(each, claim) && !isLost(each, isClaimed)),
    claim,
  );
}

/**
 * Another user's machine on which only the mark is left of ours. A claim that is still ours keeps its agent
 * name when another user becomes the owner, so that MAAS has ended this one.
 */
function isLost({ mark, machine, account }: Seen, isClaimed: Registry['isClaimed']): boolean {
  if (typeof mark !== 'object' || mark.origin === 'adopted') return false;
  return machine.owner !== '' && machine.owner !== account && !isClaimed(machine);
}

/** Of one machine that the instance's details point at; `undefined` when it is not its own. */
export function matchOne(
  one: Seen,
  claim: Claim,
  { isClaimed }: Registry,
): Choice<Seen> | undefined {
  if (isLost(one, isClaimed)) return undefined;
  const verdict = verdictOn(one, claim);
  if (verdict === 'disowned' && !isBuilding(one)) {
    return { kind: 'doubtful', doubt: 'disowned', machines: [one] };
  }
  if (verdict !== 'ours' || typeof one.mark !== 'object') return undefined;
  if (one.leaving) return { kind: 'leaving', machines: [one] };
  return { kind: 'own', machine: one };
}

/** Every machine that is the instance's in some way; its finished one last. */
export function machinesIn(choice: Choice<Seen>): readonly Seen[] {
  if (choice.kind === 'leaving') return choice.machines;
  return choice.kind === 'own' ? [...(choice.partials ?? []), choice.machine] : [];
}

/** Under our agent name and not yet marked, or marked as being built: no system was finished on it. */
export function isOurClaim(one: Seen, claim: Claim): boolean {
  const { owner, status: now } = one.machine;
  if (one.mark === undefined) return owner === one.account && unmarkedClaims.includes(now);
  return isBuilding(one) && verdictOn(one, claim) === 'ours';
}

/** The states that a machine can be in which was claimed and not marked. */
const unmarkedClaims: readonly number[] = [
  status.allocated,
  status.deploying,
  status.failedDeployment,
];

/** A claim that was not marked yet, with the mark that it is about to get. */
interface Claimed extends Seen {
  readonly mark: Mark;
}

function marked(one: Seen, claim: Claim): Claimed {
  const { mark } = one;
  if (typeof mark === 'object') return { ...one, mark };
  return { ...one, mark: markFor(claim, claim.installation, one.remoteId, 'building') };
}

/** Was adopted for the instance and left, stopped, when that was deleted. */
function isLeft({ machine }: Seen, { uuid }: Claim): boolean {
  return leftBy(machine) === uuid;
}

/** We finish nothing that is not marked: another hand took the mark away, or damaged it. */
function isStrange({ mark, machine }: Seen): boolean {
  return mark === 'unreadable' || (mark === undefined && !unmarkedClaims.includes(machine.status));
}

import type { Machine as Candidate, Choice, Mark } from '../../../contract/machine.ts';
import { judge } from '../../../lifecycle/mark.ts';
import { type Claim, chooseOwn } from '../../../lifecycle/ownership.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import type { Machine } from '../api/wire.ts';
import { leftBy, markOf } from './annotations.ts';

/* Which machines are an instance's, and how far they have come; nothing is asked of MAAS here. */

/** A machine as the rules of ownership want it. */
export interface Seen extends Candidate {
  readonly machine: Machine;
}

export type Doubtful = Extract<Choice<Seen>, { kind: 'doubtful' }>;

/** What there is of an instance. */
export type Found =
  /** Its one machine; `claims` are others that a killed or second create left behind. */
  | {
      readonly kind: 'built';
      readonly machine: Machine;
      readonly mark: Mark;
      readonly claims: readonly Machine[];
    }
  /** Machines that were claimed for it and not finished; at least one. */
  | { readonly kind: 'claims'; readonly claims: readonly Machine[] }
  /** Given back already, on their way or stuck there; at least one. */
  | { readonly kind: 'leaving'; readonly machines: readonly Machine[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'doubtful'; readonly doubtful: Doubtful };

export function seen(machine: Machine): Seen {
  return { remoteId: machine.system_id, name: machine.hostname, mark: markOf(machine), machine };
}

/** Was given back, whatever has come of that. */
export function isGivenBack({ machine }: Seen): boolean {
  return isLeaving(machine.status) || isStuck(machine.status);
}

/** Of the machines under the instance's agent name; `undefined` when none of them is its own. */
export function sortClaimed(all: readonly Seen[], claim: Claim): Found | undefined {
  const found = all.filter((each) => !isLeft(each, claim));
  const finished = found.filter(({ mark }) => mark !== undefined && !isBuilding(mark));
  const choice = chooseOwn(finished, { ...claim, storedId: undefined });
  const claims = found.filter((each) => isOurClaim(each, claim)).map(({ machine }) => machine);
  if (choice.kind === 'own') {
    return { kind: 'built', machine: choice.machine.machine, mark: choice.mark, claims };
  }
  if (choice.kind === 'doubtful') return { kind: 'doubtful', doubtful: choice };
  const strange = found.filter(isStrange);
  if (strange.length > 0) return { kind: 'doubtful', doubtful: unmarked(strange) };
  return claims.length === 0 ? undefined : { kind: 'claims', claims };
}

/** Of all machines that there are, for those that go by their mark alone. */
export function sortAll(all: readonly Seen[], claim: Claim): Found {
  const choice = chooseOwn(
    all.filter((each) => !isGivenBack(each) && !isLeft(each, claim)),
    claim,
  );
  if (choice.kind === 'doubtful') return { kind: 'doubtful', doubtful: choice };
  if (choice.kind === 'own') return sortOwn(choice.machine, choice.mark);
  // What else carries its mark was given back.
  const machines = all.filter((each) => isOurs(each, claim));
  if (machines.length === 0) return { kind: 'missing' };
  return { kind: 'leaving', machines: machines.map(({ machine }) => machine) };
}

/** Of one machine that the instance's details point at; `undefined` when it is not its own. */
export function sortOne(one: Seen, claim: Claim): Found | undefined {
  if (!isOurs(one, claim) || typeof one.mark !== 'object') return undefined;
  if (isGivenBack(one)) return { kind: 'leaving', machines: [one.machine] };
  return sortOwn(one, one.mark);
}

/** Under our agent name and not yet marked, or marked as being built: no system was finished on it. */
export function isOurClaim(one: Seen, claim: Claim): boolean {
  if (one.mark === undefined) return unmarkedClaims.includes(one.machine.status);
  return isBuilding(one.mark) && isOurs(one, claim);
}

/** What a machine that was claimed and not marked can have come to. */
const unmarkedClaims: readonly number[] = [
  status.allocated,
  status.deploying,
  status.failedDeployment,
];

/** Claimed for an instance and not finished. */
export function isBuilding(mark: Seen['mark']): boolean {
  return typeof mark === 'object' && mark.state === 'building';
}

/** Was finished for an instance once, whatever has become of it since. */
export function isBuilt(mark: Seen['mark']): mark is Mark {
  return typeof mark === 'object' && mark.state === 'built';
}

function isOurs({ mark, remoteId }: Seen, { uuid, installation }: Claim): boolean {
  return judge(mark, { uuid, installation, remoteId }) === 'ours';
}

/** Was taken over for the instance and left, stopped, when that was deleted. */
function isLeft({ machine }: Seen, { uuid }: Claim): boolean {
  return leftBy(machine) === uuid;
}

/** We finish nothing that is not marked: somebody took the mark away, or damaged it. */
function isStrange({ mark, machine }: Seen): boolean {
  return mark === 'unreadable' || (mark === undefined && !unmarkedClaims.includes(machine.status));
}

function unmarked(machines: readonly Seen[]): Doubtful {
  return { kind: 'doubtful', doubt: 'unmarked', machines };
}

function sortOwn({ machine }: Seen, mark: Mark): Found {
  if (isBuilding(mark)) return { kind: 'claims', claims: [machine] };
  return { kind: 'built', machine, mark, claims: [] };
}

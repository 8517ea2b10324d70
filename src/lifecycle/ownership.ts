import type { Mark } from '../contract/driver.ts';
import { Failure } from '../failure.ts';
import { judge } from './mark.ts';

/*
 * Finds the one machine that belongs to an instance, by marks alone. What a system reports about
 * its machines goes in as candidates; what may be done with the instance comes out.
 */

/** What is known of one machine of the remote system before it is known whose it is. */
export interface Candidate {
  readonly remoteId: string;
  /** `undefined` where the system would not say: the machine may then be anybody's. */
  readonly name: string | undefined;
  readonly mark: Mark | 'unreadable' | undefined;
  readonly template?: boolean;
}

/** The instance whose machine is wanted. */
export interface Claim {
  readonly uuid: string;
  readonly name: string;
  readonly installation: string;
  /** Where the machine may be; tenants can write this, so that it proves nothing. */
  readonly storedId: string | undefined;
  /** The operator's word that an unmarked machine may be taken over. */
  readonly adoptUnmarked: boolean;
}

/** Why nobody can say which machine is the instance's. */
export type Doubt = 'duplicate' | 'copy' | 'template' | 'unmarked' | 'unreadable';

export type Choice<C extends Candidate> =
  | { readonly kind: 'own'; readonly machine: C; readonly mark: Mark }
  /** Unmarked and to be taken over: its mark has to be written before anything else is done. */
  | { readonly kind: 'adoptable'; readonly machine: C }
  | { readonly kind: 'missing' }
  | { readonly kind: 'doubtful'; readonly doubt: Doubt; readonly machines: readonly C[] };

/**
 * The instance's machine among all that can be seen, which have to be all there are: `missing`
 * means proved missing.
 *
 * A stored id that points at another instance's machine counts for nothing: ids that were handed
 * out before a failed create are given to the next one.
 */
export function chooseOwn<C extends Candidate>(candidates: readonly C[], claim: Claim): Choice<C> {
  const marked = candidates.filter((candidate) => isMarkedFor(candidate, claim));
  const [machine, second] = marked;
  if (machine === undefined) return chooseUnmarked(candidates, claim);
  if (second !== undefined) return { kind: 'doubtful', doubt: 'duplicate', machines: marked };
  if (verdict(machine, claim) === 'copy') {
    return { kind: 'doubtful', doubt: 'copy', machines: marked };
  }
  if (machine.template) return { kind: 'doubtful', doubt: 'template', machines: marked };
  return { kind: 'own', machine, mark: machine.mark as Mark };
}

/** The failure that a doubtful choice ends every changing action with. */
export function refusal<C extends Candidate>(
  { doubt, machines }: { readonly doubt: Doubt; readonly machines: readonly C[] },
  claim: Claim,
): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(' and ');
  return new Failure('conflict', `Refused to touch ${claim.name}: ${ids} ${because[doubt]}`, {
    advice: advice[doubt],
    tenant: 'The machine of this instance cannot be told beyond doubt, so nothing was changed',
    facts: { doubt, uuid: claim.uuid, machines: machines.map(asFact) },
  });
}

/** Everything that a host can say about the machines of its installation. */
export interface Overview<C extends Candidate> {
  /** Each is the one machine of its instance. */
  readonly certain: readonly { readonly machine: C; readonly mark: Mark }[];
  /** By instance name, those of which nobody can say more than that they exist. */
  readonly doubtful: readonly { readonly name: string; readonly machines: readonly C[] }[];
  /** Machines that may be anybody's: with one of these no list is complete. */
  readonly unseen: readonly C[];
}

/**
 * Sorts all machines for a report of many instances.
 *
 * Unmarked machines are doubtful under their own names: left out they would count as gone, although
 * they may be instances that are still to be taken over.
 */
export function overview<C extends Candidate>(
  candidates: readonly C[],
  installation: string,
): Overview<C> {
  const groups = groupByUuid(candidates, installation);
  const single = groups.flatMap(({ mark, machines: [machine, second] }) => {
    const alone = machine !== undefined && second === undefined && machine.template !== true;
    if (!alone || verdict(machine, { uuid: mark.uuid, installation }) !== 'ours') return [];
    return [{ machine, mark }];
  });
  const certain = withoutNamesakes(single, installation);
  const known = new Set(certain.map(({ mark }) => mark.name));
  const marked = groups
    .map(({ mark, machines }) => ({ name: mark.name, machines }))
    .filter(({ name }) => !known.has(name));
  const unmarked = candidates.flatMap((machine) => {
    if (typeof machine.mark === 'object' || machine.template) return [];
    const { name } = machine;
    return name === undefined || known.has(name) ? [] : [{ name, machines: [machine] }];
  });
  return { certain, doubtful: [...marked, ...unmarked], unseen: candidates.filter(isUnseen) };
}

/**
 * Names are unique inside one installation only. A machine that was marked before ours had a name may
 * be another's: it gives way to one that carries our name, and two of a kind are both in doubt.
 */
function withoutNamesakes<Entry extends { readonly mark: Mark }>(
  entries: readonly Entry[],
  installation: string,
): readonly Entry[] {
  const isNamed = ({ mark }: Entry): boolean => mark.installation === installation;
  const count = (some: readonly Entry[]): ReadonlyMap<string, number> =>
    some.reduce(
      (counts, { mark: { name } }) => counts.set(name, (counts.get(name) ?? 0) + 1),
      new Map<string, number>(),
    );
  const all = count(entries);
  const named = count(entries.filter(isNamed));
  return entries.filter((entry) => (isNamed(entry) ? named : all).get(entry.mark.name) === 1);
}

interface Group<C extends Candidate> {
  readonly mark: Mark;
  readonly machines: C[];
}

function groupByUuid<C extends Candidate>(
  candidates: readonly C[],
  installation: string,
): readonly Group<C>[] {
  const groups = new Map<string, Group<C>>();
  for (const machine of candidates) {
    const { mark } = machine;
    if (typeof mark !== 'object') continue;
    if (!isMarkedFor(machine, { uuid: mark.uuid, installation })) continue;
    const group = groups.get(mark.uuid) ?? { mark, machines: [] };
    group.machines.push(machine);
    groups.set(mark.uuid, group);
  }
  return [...groups.values()];
}

/** A template that was copied from the machine never runs, so that it is no second machine. */
function isMarkedFor(
  candidate: Candidate,
  wanted: { readonly uuid: string; readonly installation: string },
): boolean {
  const said = verdict(candidate, wanted);
  return said === 'ours' || (said === 'copy' && candidate.template !== true);
}

function verdict(
  { mark, remoteId }: Candidate,
  { uuid, installation }: { readonly uuid: string; readonly installation: string },
) {
  return judge(mark, { uuid, installation, remoteId });
}

function chooseUnmarked<C extends Candidate>(candidates: readonly C[], claim: Claim): Choice<C> {
  const suspects = candidates.filter((candidate) => mayBe(candidate, claim));
  const [machine, second] = suspects;
  if (machine === undefined) return { kind: 'missing' };
  const unreadable = suspects.filter(({ mark }) => mark === 'unreadable');
  if (unreadable.length > 0) {
    return { kind: 'doubtful', doubt: 'unreadable', machines: unreadable };
  }
  if (second === undefined && mayBeAdopted(machine, claim)) return { kind: 'adoptable', machine };
  return { kind: 'doubtful', doubt: 'unmarked', machines: suspects };
}

function mayBe(candidate: Candidate, claim: Claim): boolean {
  if (typeof candidate.mark === 'object') return false;
  if (isUnseen(candidate) || candidate.remoteId === claim.storedId) return true;
  return candidate.name?.toLowerCase() === claim.name.toLowerCase();
}

function mayBeAdopted(machine: Candidate, claim: Claim): boolean {
  return (
    claim.adoptUnmarked &&
    machine.template !== true &&
    machine.name === claim.name &&
    machine.remoteId === claim.storedId
  );
}

function isUnseen({ mark, name }: Candidate): boolean {
  return mark === 'unreadable' && name === undefined;
}

const because: Readonly<Record<Doubt, string>> = {
  duplicate: 'carry its mark, and only one machine can be its own',
  copy: "carries its mark but was not made as this instance's machine: it is a copy",
  template: 'carries its mark but is a template now',
  unmarked: 'may be its machine but carries no mark',
  unreadable: 'carries a mark that cannot be read',
};

const adopt = 'Look at it with `outrigger audit` and settle it with `outrigger adopt`';

const advice: Readonly<Record<Doubt, string>> = {
  duplicate: 'Remove the mark from the copy, or the copy itself: `outrigger audit` lists both',
  copy: adopt,
  template: 'Make a machine of it again, or take the mark away from the template',
  unmarked: `${adopt}, or set adopt_unmarked while taking over from another extension`,
  unreadable: `Nothing is done to it until its mark is repaired. ${adopt}`,
};

function asFact({ remoteId, name, mark }: Candidate): Readonly<Record<string, unknown>> {
  return { remoteId, name, mark };
}

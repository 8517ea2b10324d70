import type { Choice, Machine } from '../contract/machine.ts';
import { judge, type Verdict } from './mark.ts';

/* Finds the one machine that belongs to an instance among those that the remote system lists. */

/** The instance whose machine is wanted. */
export interface Claim {
  readonly uuid: string;
  readonly name: string;
  readonly installation: string;
  /** Where the machine may be; tenants can write this, so that it proves nothing. */
  readonly storedId: string | undefined;
  /** The operator's word that an unmarked machine may be adopted; `undefined` without such a setting. */
  readonly adoptUnmarked: boolean | undefined;
}

/**
 * The instance's machine among all that can be seen, which have to be all there are: `missing` and
 * `leaving` mean that it is proved to have no other.
 *
 * A stored id that points at another instance's machine counts for nothing: the remote system gives
 * ids that were handed out before a failed create to the next one. `proved` says whether some mark
 * names this installation, where the machines given are only some of those that there are.
 */
export function chooseOwn<M extends Machine>(
  machines: readonly M[],
  claim: Claim,
  proved = isProved(machines, claim.installation),
): Choice<M> {
  const staying = machines.filter((machine) => machine.leaving !== true);
  const choice = chooseStaying(staying, claim);
  const isFree = choice.kind === 'missing' || choice.kind === 'adoptable';
  const elsewhere = isFree && !proved ? machines.filter((each) => isElsewhere(each, claim)) : [];
  if (elsewhere.length > 0) {
    return { kind: 'doubtful', doubt: 'installation', machines: elsewhere };
  }
  if (choice.kind !== 'missing') return choice;
  // None of those that stay is marked for the instance, or the choice would not be `missing`.
  const leaving = withoutDisowned(machines.filter((machine) => isMarkedFor(machine, claim)));
  if (leaving.length === 0) return choice;
  if (leaving.some(isDisowned)) return { kind: 'doubtful', doubt: 'disowned', machines: leaving };
  return { kind: 'leaving', machines: leaving };
}

/**
 * Whether a mark shows that the installation's id is the one that machines were marked with. An id that
 * got lost or was mistyped would make every machine invisible, as if all had been removed.
 */
export function isProved(machines: readonly Machine[], installation: string): boolean {
  if (installation === '') return false;
  return machines.some(
    ({ mark }) => typeof mark === 'object' && mark.installation === installation,
  );
}

/** Whether the machine carries the instance's UUID under the mark of another installation. */
function isElsewhere(machine: Machine, { uuid, installation }: Claim): boolean {
  const { mark } = machine;
  if (typeof mark !== 'object' || mark.uuid !== uuid || isDisowned(machine)) return false;
  return mark.installation !== '' && mark.installation !== installation;
}

/** The other installations that marks name, each once. */
export function otherInstallations(
  machines: readonly Machine[],
  installation: string,
): readonly string[] {
  const named = machines.flatMap(({ mark }) => (typeof mark === 'object' ? mark.installation : []));
  return [...new Set(named)].filter((name) => name !== '' && name !== installation).sort();
}

function chooseStaying<M extends Machine>(machines: readonly M[], claim: Claim): Choice<M> {
  const marked = withoutDisowned(machines.filter((machine) => isMarkedFor(machine, claim)));
  const [machine, second] = marked;
  if (machine === undefined) return chooseUnmarked(machines, claim);
  if (isDisowned(machine)) return { kind: 'doubtful', doubt: 'disowned', machines: marked };
  if (second !== undefined) return { kind: 'doubtful', doubt: 'duplicate', machines: marked };
  if (verdictOn(machine, claim) === 'copy') {
    return { kind: 'doubtful', doubt: 'copy', machines: marked };
  }
  if (machine.template) return { kind: 'doubtful', doubt: 'template', machines: marked };
  return { kind: 'own', machine };
}

/**
 * Whether a machine carries the instance's mark. A template copied from its machine never runs, and of a
 * machine that was lost before it was finished nothing of the instance is left.
 */
export function isMarkedFor(
  machine: Machine,
  wanted: { readonly uuid: string; readonly installation: string },
): boolean {
  const verdict = verdictOn(machine, wanted);
  if (verdict === 'disowned') return !isBuilding(machine);
  if (verdict === 'ours') return true;
  return verdict === 'copy' && machine.template !== true;
}

/** `disowned` for a mark that would be ours, but that has outlived what the remote system records. */
export function verdictOn(
  machine: Machine,
  { uuid, installation }: { readonly uuid: string; readonly installation: string },
): Verdict | 'disowned' {
  const { mark, remoteId } = machine;
  const verdict = judge(mark, { uuid, installation, remoteId });
  return verdict === 'ours' && isDisowned(machine) ? 'disowned' : verdict;
}

function isDisowned({ disowned }: Machine): boolean {
  return disowned !== undefined;
}

/**
 * Of machines that all carry one instance's mark, those that the remote system leaves to it; where it
 * leaves none, all of them, since nothing proves which of them the instance has lost.
 */
export function withoutDisowned<M extends Machine>(marked: readonly M[]): readonly M[] {
  const owned = marked.filter((machine) => !isDisowned(machine));
  return owned.length === 0 ? marked : owned;
}

/** Whether the remote system shows neither mark nor name: the machine may be any instance's. */
export function isUnseen({ mark, name }: Machine): boolean {
  return mark === 'unreadable' && name === undefined;
}

export function isBuilding({ mark }: Machine): boolean {
  return typeof mark === 'object' && mark.state === 'building';
}

/** Whether CloudStack could have given this name to an instance. */
export function isInstanceName(name: string | undefined): boolean {
  return name !== undefined && /^i-\d+-\d+-/i.test(name);
}

function chooseUnmarked<M extends Machine>(machines: readonly M[], claim: Claim): Choice<M> {
  const suspects = machines.filter((machine) => mayBe(machine, claim));
  const [machine, second] = suspects;
  if (machine === undefined) return { kind: 'missing' };
  const unreadable = suspects.filter(({ mark }) => mark === 'unreadable');
  if (unreadable.length > 0) {
    return { kind: 'doubtful', doubt: 'unreadable', machines: unreadable };
  }
  if (second === undefined && mayBeAdopted(machine, claim)) return { kind: 'adoptable', machine };
  return { kind: 'doubtful', doubt: 'unmarked', machines: suspects };
}

function mayBe(machine: Machine, claim: Claim): boolean {
  if (typeof machine.mark === 'object') return false;
  if (isUnseen(machine) || machine.remoteId === claim.storedId) return true;
  return machine.name?.toLowerCase() === claim.name.toLowerCase();
}

function mayBeAdopted(machine: Machine, claim: Claim): boolean {
  return (
    claim.adoptUnmarked === true &&
    machine.template !== true &&
    machine.name === claim.name &&
    machine.remoteId === claim.storedId
  );
}

import type { Found, Purpose } from '../contract/driver.ts';
import type { Instance } from '../contract/instance.ts';
import type { Choice, Machine, Mark } from '../contract/machine.ts';
import { type Failure, isKind } from '../failure.ts';
import { claimOf, find, type Life, stepOf } from './find.ts';
import { isBuilding } from './ownership.ts';
import { changedMeanwhile, leavingMachines, missing, refusal, unfinished } from './refusals.ts';

/*
 * The instance's machine for the verbs that fail where anything is in doubt. A status answers
 * "unknown" there and loads none of this.
 */

export function markOf(
  { context }: Pick<Life, 'context'>,
  { uuid, name }: Instance,
  remoteId: string,
  { state, origin }: Pick<Mark, 'state' | 'origin'>,
): Mark {
  return { uuid, name, installation: context.installation, remoteId, state, origin };
}

type Certain = Exclude<Choice, { kind: 'doubtful' }>;

/** As `find`; fails where anything is in doubt. */
export async function findCertain(
  life: Life,
  instance: Instance,
  purpose: Purpose,
): Promise<Certain> {
  const choice = await find(life, instance, purpose);
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(life, instance));
  return choice;
}

/** As `findCertain`, with the mark written on a machine that is adopted by this. */
export async function findForChange(
  life: Life,
  instance: Instance,
  purpose: 'change' | 'create' = 'change',
): Promise<Exclude<Certain, { kind: 'adoptable' }>> {
  const choice = await findCertain(life, instance, purpose);
  if (choice.kind !== 'adoptable') return choice;
  const machine = await adoptFound(life, choice.machine, instance);
  return { kind: 'own', machine };
}

/** The machine for showing it, finished or not; nothing is adopted. */
export async function show(life: Life, instance: Instance): Promise<Machine> {
  const choice = await findCertain(life, instance, 'show');
  if (choice.kind === 'missing') throw missingFor(life, instance);
  if (choice.kind !== 'leaving') return choice.machine;
  const [machine] = choice.machines;
  if (machine === undefined) throw missingFor(life, instance);
  return machine;
}

/** The machines that there are before a create; nothing is adopted or changed. */
export async function findBeforeCreate(life: Life, instance: Instance): Promise<Found> {
  return foundIn(await findCertain(life, instance, 'create'));
}

/** An unfinished machine is a partial one, whichever way it was found. */
export function foundIn(choice: Certain): Found {
  if (choice.kind === 'missing') return { machine: undefined, partials: [] };
  if (choice.kind === 'leaving') return { machine: undefined, partials: choice.machines };
  if (choice.kind === 'adoptable') return { machine: choice.machine, partials: [] };
  const { machine, partials = [] } = choice;
  if (isBuilding(machine)) return { machine: undefined, partials: [machine, ...partials] };
  return { machine, partials };
}

/** The instance's finished machine, for changing it. */
export async function take(life: Life, instance: Instance): Promise<Machine> {
  const choice = await findForChange(life, instance);
  if (choice.kind === 'missing') throw missingFor(life, instance);
  if (choice.kind === 'leaving') throw leavingMachines(instance, choice.machines);
  if (isBuilding(choice.machine)) throw unfinished(choice.machine, instance);
  return choice.machine;
}

export function missingFor({ driver }: Life, instance: Instance): Failure {
  return missing(instance, driver.storedPlace?.(instance));
}

/** The instance's finished machine, if it is the one with this id; fails where that cannot be seen. */
export async function takeUnder(
  life: Life,
  remoteId: string,
  instance: Instance,
): Promise<Machine | undefined> {
  try {
    const machine = await take(life, instance);
    return machine.remoteId === remoteId ? machine : undefined;
  } catch (thrown) {
    if (isKind(thrown, 'not-found', 'conflict')) return undefined;
    throw thrown;
  }
}

/** Writes the mark of an adopted machine; a machine that was changed meanwhile is left alone. */
export async function adoptFound(
  life: Life,
  machine: Machine,
  instance: Instance,
): Promise<Machine> {
  const mark = markOf(life, instance, machine.remoteId, { state: 'built', origin: 'adopted' });
  const marked = await life.driver.writeMark(machine, mark, stepOf(life, instance));
  if (marked === 'lost') throw changedMeanwhile(machine, instance);
  life.context.log('machine.adopted', { machine: machine.remoteId });
  return marked;
}

/** Runs the work while no other call changes the instance's machine. */
export function exclusively<T>(life: Life, instance: Instance, work: () => Promise<T>): Promise<T> {
  return life.driver.exclusive?.(stepOf(life, instance), work) ?? work();
}

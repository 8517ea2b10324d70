import type { Mark } from '../../contract/driver.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { type Candidate, type Choice, chooseOwn, refusal } from '../../lifecycle/ownership.ts';
import { isBuilding, type Machine, markOf, withMark } from './machine.ts';
import type { Rig } from './script.ts';
import type { Found } from './store.ts';

/** A file of the store as the rules of ownership want it. */
export type Seen = Found & Candidate;

/** Every machine, whoever it belongs to; fails when we cannot be sure that these are all. */
export function lookAround({ store }: Rig): readonly Seen[] {
  const seen = store.list().map(({ remoteId, machine }) => ({
    remoteId,
    machine,
    name: machine?.name,
    mark: machine === undefined ? ('unreadable' as const) : markOf(machine),
    template: machine?.template ?? false,
  }));
  if (store.sight() !== 'blind') return seen;
  throw new Failure('denied', 'The simulator does not show its machines', {
    advice: 'Its state directory was emptied or its settings blind it; no machine counts as gone',
  });
}

/** The instance's machine for reading: nothing is changed, not even to take it over. */
export function find(rig: Rig, instance: Instance): Choice<Seen> {
  return chooseOwn(lookAround(rig), claimOf(rig, instance));
}

/** The instance's machine for showing it, or `undefined` when it is proved missing. */
export function showIfThere(rig: Rig, instance: Instance): Machine | undefined {
  return pick(rig, instance)?.machine;
}

/** The instance's machine for showing it; fails without one. */
export function show(rig: Rig, instance: Instance): Machine {
  const machine = showIfThere(rig, instance);
  if (machine === undefined) throw missing(instance);
  return machine;
}

/** The instance's machine for changing it, taken over where that is allowed and needed. */
export function takeIfThere(rig: Rig, instance: Instance): Machine | undefined {
  const picked = pick(rig, instance);
  return picked?.unmarked === true ? adopt(rig, instance, picked.machine) : picked?.machine;
}

/** The instance's machine for changing it; fails without one, and with one that is half-made. */
export function take(rig: Rig, instance: Instance): Machine {
  const machine = takeIfThere(rig, instance);
  if (machine === undefined) throw missing(instance);
  if (isBuilding(machine)) throw halfMade(machine);
  return machine;
}

export function missing({ name, uuid }: Instance): Failure {
  return new Failure('not-found', `There is no machine of ${name} (${uuid})`, {
    tenant: 'This instance has no machine',
  });
}

function halfMade({ remoteId, name }: Machine): Failure {
  return new Failure('conflict', `Machine ${remoteId} of ${name} was never finished`, {
    advice: 'Stop the instance, which removes it',
    tenant: 'The instance was never finished',
  });
}

/** The mark that makes a machine the instance's. */
export function markFor(
  { context }: Rig,
  { uuid, name }: Instance,
  remoteId: string,
  { state, origin }: Pick<Mark, 'state' | 'origin'>,
): Mark {
  return { uuid, name, installation: context.installation, remoteId, state, origin };
}

function pick(
  rig: Rig,
  instance: Instance,
): { readonly machine: Machine; readonly unmarked: boolean } | undefined {
  const choice = find(rig, instance);
  if (choice.kind === 'missing') return undefined;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(rig, instance));
  return { machine: choice.machine.machine as Machine, unmarked: choice.kind === 'adoptable' };
}

function adopt(rig: Rig, instance: Instance, machine: Machine): Machine {
  const mark = markFor(rig, instance, machine.remoteId, { state: 'built', origin: 'adopted' });
  const adopted = withMark(machine, mark);
  rig.store.write(adopted);
  rig.context.log('machine.adopted', { machine: machine.remoteId });
  return adopted;
}

function claimOf({ settings, context }: Rig, { uuid, name, stored }: Instance) {
  return {
    uuid,
    name,
    installation: context.installation,
    storedId: stored['simulator_id'],
    adoptUnmarked: settings.adopt_unmarked,
  };
}

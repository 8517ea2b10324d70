import type { Machine as Listed } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { type Machine, markOf } from '../api/machine.ts';
import type { Found, Store } from '../api/store.ts';

/** A file of the store as the rules of ownership look at it. */
export interface Seen extends Listed {
  /** `undefined` for a file that cannot be read. */
  readonly file: Machine | undefined;
}

/** Every machine of every instance; fails when it is not certain that these are all. */
export function listMachines(store: Store): readonly Seen[] {
  const seen = store.list().map(seenFrom);
  if (store.visibility() !== 'hidden') return seen;
  throw new Failure('denied', 'The simulator does not show its machines', {
    advice:
      'Its state directory was emptied or its settings hide its machines; no machine counts as gone',
  });
}

export function seenFrom({ remoteId, machine }: Found): Seen {
  if (machine === undefined) {
    return { remoteId, file: machine, name: undefined, mark: 'unreadable' };
  }
  const { name, template, node, home } = machine;
  return { remoteId, file: machine, name, template, node, home, mark: markOf(machine) };
}

/** Machines that another user or management server made are listed in a place of their own. */
export function refuseEmptyPlace(store: Store): void {
  if (store.visibility() !== 'new') return;
  throw new Failure('config', 'No machine was ever made in this place', {
    reason: 'nothing-made',
    advice: 'Machines that another user or server made are listed there; nothing counts as gone',
  });
}

import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { isAbsentHere } from '../api/remote-error.ts';
import type { Row } from '../api/wire.ts';
import { choose, claimOf, isSame, missing, seeMoved } from './find-for-read.ts';
import { type Machine, machineOf } from './machine.ts';
import { adopt, adoptedMark } from './ownership.ts';
import { type Seen, seenByConfig } from './read.ts';
import type { Session } from './session.ts';
import { settle } from './settle.ts';

type Purpose = 'change' | 'create';

/** The instance's machine for showing what it has; not even taken over, and fails without one. */
export async function show(session: Session, instance: Instance): Promise<Machine> {
  const machine = await showIfThere(session, instance);
  if (machine === undefined) throw missing(instance);
  return machine;
}

/** The instance's machine for showing it, or `undefined` when it is proved missing. */
export async function showIfThere(
  session: Session,
  instance: Instance,
  purpose: Purpose = 'change',
): Promise<Machine | undefined> {
  const choice = await pick(session, instance, purpose);
  if (choice.kind === 'missing' || choice.kind === 'leaving') return undefined;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(session, instance));
  const { machine } = choice;
  return machineOf(
    machine,
    choice.kind === 'own' ? choice.mark : adoptedMark(session, instance, machine),
  );
}

/** The instance's machine for changing it, taken over where that is allowed and needed. */
export async function takeIfThere(
  session: Session,
  instance: Instance,
  purpose: Purpose = 'change',
  rows?: readonly Row[],
): Promise<Machine | undefined> {
  const choice = await pick(session, instance, purpose, rows);
  if (choice.kind === 'missing' || choice.kind === 'leaving') return undefined;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(session, instance));
  if (choice.kind === 'own') return machineOf(choice.machine, choice.mark);
  return adopt(session, instance, choice.machine);
}

/** The instance's machine for changing it; fails without one. */
export async function take(session: Session, instance: Instance): Promise<Machine> {
  const machine = await takeIfThere(session, instance);
  if (machine === undefined) throw missing(instance);
  return machine;
}

/**
 * Works on the instance's machine and answers whether there was one. When it is not where it was
 * found any more it is looked for again: it has been removed, or has moved to another node.
 */
export async function withMachine(
  session: Session,
  instance: Instance,
  work: (machine: Machine) => Promise<void>,
): Promise<boolean> {
  const machine = await takeIfThere(session, instance);
  if (machine === undefined) return false;
  try {
    await work(machine);
    return true;
  } catch (thrown) {
    const { vmid, node } = machine;
    if (!isAbsentHere(thrown, vmid)) throw thrown;
    session.context.log('machine.left', { machine: vmid, node });
    return withMachine(session, instance, work);
  }
}

function pick(
  session: Session,
  instance: Instance,
  purpose: Purpose,
  rows?: readonly Row[],
): Promise<Choice<Seen>> {
  // Whoever took the id that prepare had chosen is in nobody's way: create takes another.
  const counts = ({ mark, name }: Seen): boolean =>
    purpose === 'change' || mark !== undefined || isSame(name, instance.name);
  return choose(session, instance, { see, counts, ...(rows === undefined ? {} : { rows }) });
}

/** By its configuration, once nothing of ours is still making it. */
async function see(session: Session, row: Row): Promise<Seen | undefined> {
  const config = await settle(session, row);
  return config === undefined ? seeMoved(session, row) : seenByConfig(row, config);
}

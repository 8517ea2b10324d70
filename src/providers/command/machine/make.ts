import type { Deadline } from '../../../contract/context.ts';
import type { Making } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { writeMark as textOf } from '../../../lifecycle/mark.ts';
import { isBuilding, verdictOn } from '../../../lifecycle/ownership.ts';
import { broken, isSaid } from '../api/failures.ts';
import { namesFor } from './find.ts';
import { getMachine, listMachines } from './read.ts';
import { destroy } from './remove.ts';
import { givenInstance } from './request.ts';
import type { Seen, Session } from './session.ts';

type Blueprint = Readonly<Record<string, unknown>>;

/**
 * Makes a machine that carries the mark from its first moment, and looks whether it does. The machines
 * that earlier creates have left are removed first; one that this create leaves is found by the mark.
 */
export async function make(session: Session, making: Making<Seen, Blueprint>): Promise<Seen> {
  const { instance, partials, undo, deadline } = making;
  for (const partial of partials) await destroy(session, partial, making);
  undo.add(`remove the unfinished machine of ${instance.name}`, (margin) =>
    removeUnfinished(session, instance, margin),
  );
  const made = await makeUnder(session, making, namesFor(session, instance));
  return session.ids === 'system' ? withoutTwin(session, made, instance, deadline) : made;
}

/** A name that another machine has is passed over. */
async function makeUnder(
  session: Session,
  making: Making<Seen, Blueprint>,
  [name, ...others]: readonly string[],
): Promise<Seen> {
  const { client, ids, marks, driver } = session;
  const { instance, blueprint, markFor, deadline } = making;
  if (name === undefined) throw new Failure('conflict', `Every name for ${instance.name} is taken`);
  const what = `make ${name}`;
  const attempt = `Driver ${driver} could not ${what}`;
  const mark = marks === 'name' ? name : textOf(markFor(ids === 'name' ? name : ''));
  try {
    const request = { instance: givenInstance(instance), blueprint, name, mark };
    const { id } = await client.ask('make', request, { what, deadline });
    if (ids === 'name' && id !== name) throw broken(attempt, `it answered machine ${id} instead`);
    return await checkMade(session, id, mark, attempt, deadline);
  } catch (thrown) {
    if (!isSaid(thrown, 'in-use')) throw thrown;
    const there = ids === 'name' ? await getMachine(session, name, deadline) : undefined;
    if (there === undefined || isOurs(session, there, instance)) throw anotherCall(name, thrown);
    return makeUnder(session, making, others);
  }
}

/** A machine without the mark would be removed by no later action. */
async function checkMade(
  session: Session,
  id: string,
  mark: string,
  attempt: string,
  deadline: Deadline,
): Promise<Seen> {
  const made = await getMachine(session, id, deadline);
  if (made === undefined)
    throw broken(attempt, `it answered machine ${id}, which it does not show`);
  const shown = session.marks === 'name' ? made.said.name : made.said.mark;
  if (shown === mark) return made;
  throw broken(
    attempt,
    `machine ${id} does not carry the mark that it was to be made with`,
    `Correct the driver. Machine ${id} was left alone: if it is left of this call, remove it by hand`,
  );
}

function anotherCall(name: string, cause: unknown): Failure {
  return new Failure('conflict', `Another call made ${name} at the same moment`, {
    cause,
    reason: 'taken-away',
  });
}

function isOurs({ context }: Session, machine: Seen, { uuid }: Instance): boolean {
  return verdictOn(machine, { uuid, installation: context.installation }) === 'ours';
}

/** Of two machines that two calls have made at once, the one with the smaller id stays. */
async function withoutTwin(
  session: Session,
  made: Seen,
  instance: Instance,
  deadline: Deadline,
): Promise<Seen> {
  const all = await listMachines(session, 'own', deadline);
  const own = all.filter((machine) => isOurs(session, machine, instance));
  const first = own.every(({ remoteId }) => remoteId >= made.remoteId);
  const noneBuilt = own.every((each) => each.remoteId === made.remoteId || isBuilding(each));
  if (first && noneBuilt) return made;
  await destroy(session, made, { instance, deadline });
  throw anotherCall(instance.name, undefined);
}

/** A machine whose mark is its name cannot say that it is unfinished: only one that is off is removed. */
async function removeUnfinished(
  session: Session,
  instance: Instance,
  deadline: Deadline,
): Promise<void> {
  const all = await listMachines(session, 'own', deadline);
  const own = all.filter((machine) => isOurs(session, machine, instance));
  for (const machine of own) {
    const isLeft = session.marks === 'name' ? machine.said.state === 'off' : isBuilding(machine);
    if (isLeft) await destroy(session, machine, { instance, deadline });
  }
}

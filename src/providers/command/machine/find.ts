import type { Deadline, Step } from '../../../contract/context.ts';
import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { chooseOwn, isBuilding } from '../../../lifecycle/ownership.ts';
import { nameMark } from './name-mark.ts';
import { listMachines, proveMissing, seenFrom } from './read.ts';
import { givenInstance } from './request.ts';
import type { Seen, Session } from './session.ts';

/**
 * The instance's machine. The driver's own `find` only serves to answer a status fast: it proves that a
 * machine is there, and never that none is.
 */
export async function find(
  session: Session,
  { instance, deadline }: Step,
  purpose: Purpose,
): Promise<Choice<Seen>> {
  const claim = claimOf(session, instance);
  if (purpose === 'power' && session.has('find')) {
    const choice = chooseOwn(await ask(session, instance, deadline), claim);
    if (choice.kind === 'own') return choice;
  }
  const all = await listMachines(session, 'own', deadline);
  const choice = withoutTwins(chooseOwn(all, claim));
  if (choice.kind === 'missing') await proveNone(session, instance, all, deadline);
  return choice;
}

function claimOf({ context }: Session, { uuid, name }: Instance) {
  const { installation } = context;
  return { uuid, name, installation, storedId: undefined, adoptUnmarked: undefined };
}

async function ask(
  session: Session,
  instance: Instance,
  deadline: Deadline,
): Promise<readonly Seen[]> {
  const what = `find the machine of ${instance.name}`;
  const request = { instance: givenInstance(instance) };
  const { machines } = await session.client.ask('find', request, { what, deadline });
  return machines.map((said) => seenFrom(session, said));
}

/** Where the name is the id, the ids that the instance's machine can have are known. */
async function proveNone(
  session: Session,
  instance: Instance,
  all: readonly Seen[],
  deadline: Deadline,
): Promise<void> {
  if (session.ids !== 'name') return;
  const listed = new Set(all.map(({ remoteId }) => remoteId));
  for (const name of namesFor(session, instance)) {
    if (!listed.has(name)) await proveMissing(session, name, deadline);
  }
}

/**
 * A system that chooses ids makes two machines when two calls create one instance at once. Those that
 * were never finished are left of that; only finished ones are a doubt.
 */
function withoutTwins(choice: Choice<Seen>): Choice<Seen> {
  if (choice.kind !== 'doubtful' || choice.doubt !== 'duplicate') return choice;
  const built = choice.machines.filter((machine) => !isBuilding(machine));
  if (built.length > 1) return choice;
  const [machine, ...partials] = [...built, ...choice.machines.filter(isBuilding).sort(byId)];
  return machine === undefined ? choice : { kind: 'own', machine, partials };
}

function byId(one: Seen, other: Seen): number {
  return one.remoteId < other.remoteId ? -1 : 1;
}

/**
 * The names that an instance's machine may get: its own, or one with its UUID where another machine
 * has that name already; a name that is the mark is one of its kind.
 */
export function namesFor({ marks, context }: Session, { name, uuid }: Instance): readonly string[] {
  if (marks === 'label') return [name, `${name.slice(0, 54)}-${uuid.slice(0, 8)}`];
  const { installation } = context;
  return [nameMark({ name, uuid, installation, state: 'built', origin: 'created' })];
}

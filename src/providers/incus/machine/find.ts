import type { Step } from '../../../contract/context.ts';
import type { Purpose } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Choice } from '../../../contract/machine.ts';
import { chooseOwn } from '../../../lifecycle/ownership.ts';
import type { Machine } from '../api/wire.ts';
import { listByUuid, listInstances } from './instances.ts';
import type { Session } from './session.ts';
import { untilIdle } from './tasks.ts';

/**
 * The instance's machine. A status asks for those with its UUID, which are nearly always one, finished;
 * where they are not, and for everything else, the whole project is looked at.
 */
export async function find(
  session: Session,
  { instance, deadline }: Step,
  purpose: Purpose,
): Promise<Choice<Machine>> {
  const { client, settings, context } = session;
  const { uuid, name } = instance;
  const { installation } = context;
  const claim = { uuid, name, installation, storedId: undefined, adoptUnmarked: undefined };
  if (purpose === 'power') {
    const choice = chooseOwn(await listByUuid(client, uuid, deadline), claim);
    if (choice.kind === 'own') return choice;
  }
  const look = async () =>
    chooseOwn(await listInstances(client, settings.project, deadline), claim);
  const choice = await look();
  const changes = purpose === 'change' || purpose === 'create';
  if (choice.kind !== 'missing' || !changes) return choice;
  return (await untilIdle(client, namesFor(instance), deadline)) ? look() : choice;
}

/**
 * The names that an instance's machine may get: its own, or one with its UUID where another
 * installation of CloudStack has an instance of the same name in this project.
 */
export function namesFor({ name, uuid }: Instance): readonly string[] {
  return [name, `${name.slice(0, 54)}-${uuid.slice(0, 8)}`];
}

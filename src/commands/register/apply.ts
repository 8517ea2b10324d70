import { Failure, reworded } from '../../failure.ts';
import { type Api, asEntries, asText, onlyEntry } from '../api/client.ts';
import type { Change, IdOf, Reference } from './change.ts';

/** Makes the changes one after the other; what a failure left undone is said in it. */
export async function apply(
  api: Api,
  changes: readonly Change[],
  known: ReadonlyMap<Reference, string>,
  onStep: (change: Change) => void,
): Promise<ReadonlyMap<Reference, string>> {
  const ids = new Map(known);
  const idOf: IdOf = (reference) => {
    const id = ids.get(reference);
    if (id !== undefined && id !== '') return id;
    throw new Failure('upstream', `CloudStack did not tell the id of ${reference}`);
  };
  for (const [at, change] of changes.entries()) {
    onStep(change);
    try {
      const body = await api.call(change.command, change.parameters(idOf));
      if (change.makes === undefined) continue;
      const made = asEntries(Object.values(body).find(Array.isArray))[0] ?? onlyEntry(body);
      ids.set(change.makes, asText(made['id']));
    } catch (thrown) {
      throw interrupted(Failure.from(thrown), change, at, changes.length);
    }
  }
  return ids;
}

function interrupted(failure: Failure, { subject }: Change, done: number, all: number): Failure {
  const message = `${subject}: ${failure.message} (${done} of ${all} changes were made before)`;
  const advice = failure.advice === undefined ? '' : `${failure.advice}. `;
  return reworded(failure, {
    message,
    advice: `${advice}Run it again afterwards: it goes on where it ended`,
  });
}

import { Failure, reworded, sentence } from '../../failure.ts';
import { type Api, asEntries, asText, onlyEntry } from '../api/client.ts';
import type { Parameters } from '../api/form.ts';
import { type Paint, visible } from '../terminal.ts';

/** Something that has an id: `extension`, `cluster:NAME`, `zone:NAME`, `pod:NAME`, `ostype:NAME`. */
export type Reference = string;

/** Finds the id of something that exists, or that an earlier change has made. */
export type IdOf = (reference: Reference) => string;

/** One thing that is to be different, in words that hold no secret. */
export interface Difference {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

/** One call that brings CloudStack nearer to what is wanted. */
export interface Change {
  readonly verb: 'create' | 'update' | 'delete';
  readonly subject: string;
  readonly differences: readonly Difference[];
  readonly command: string;
  parameters(idOf: IdOf): Parameters;
  /** The reference under which the id in the answer is known afterwards. */
  readonly makes?: Reference;
}

/** The changes that are needed, and remarks for the operator. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly remarks: readonly string[];
}

/** Several plans as one, in their order. */
export function joined(plans: readonly Plan[]): Plan {
  return {
    changes: plans.flatMap(({ changes }) => changes),
    remarks: plans.flatMap(({ remarks }) => remarks),
  };
}

const signs = { create: '+', update: '~', delete: '-' } as const;

/** The plan as a diff: what is made, changed and removed, and what else is worth knowing. */
export function describePlan({ changes, remarks }: Plan, paint: Paint): string[] {
  return [
    ...changes.flatMap((change) => describe(change, paint)),
    ...(changes.length === 0 ? [paint.green('Nothing to change.')] : []),
    ...remarks.map((remark) => paint.dim(`Note: ${sentence(visible(remark))}`)),
  ];
}

function describe(change: Change, paint: Paint): string[] {
  const colour = { create: paint.green, update: paint.yellow, delete: paint.red }[change.verb];
  return [
    colour(headline(change)),
    ...change.differences.map((difference) => `    ${difference.what}: ${inWords(difference)}`),
  ];
}

/** A change in one line. */
export function headline({ verb, subject }: Change): string {
  return `${signs[verb]} ${visible(subject)}`;
}

function inWords({ from, to }: Difference): string {
  return [from, to]
    .filter((value): value is string => value !== undefined)
    .map(visible)
    .join(' -> ');
}

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
    throw new Failure('upstream', `CloudStack returned no id for ${reference}`);
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

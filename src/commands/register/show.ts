import { type Paint, visible } from '../terminal.ts';
import type { Change, Difference, Plan } from './change.ts';

const signs = { create: '+', update: '~', delete: '-' } as const;

/** The plan as a diff: what is made, changed and removed, and what else is worth knowing. */
export function describePlan({ changes, remarks }: Plan, paint: Paint): string[] {
  return [
    ...changes.flatMap((change) => describe(change, paint)),
    ...(changes.length === 0 ? [paint.green('Nothing to change.')] : []),
    ...remarks.map((remark) => paint.dim(`Note: ${visible(remark)}.`)),
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

import { Failure } from '../../failure.ts';
import type { Api } from '../api/client.ts';
import type { CommandCall } from '../command.ts';
import { wrapped } from '../table.ts';
import { paintFor, progressOf } from '../terminal.ts';
import { type Readiness, readReadiness } from './check.ts';
import { shownForm } from './details.ts';
import { apply, describePlan, headline, type Plan } from './plan.ts';

const wouldChange = 3;

/** The plan for reading; the exit code says whether anything would change. */
export function show(
  { json, world }: CommandCall,
  plan: Plan,
  secrets?: ReadonlySet<string>,
): number {
  if (json) world.out(JSON.stringify(asFacts(plan, secrets), undefined, 2));
  else for (const line of describePlan(plan, paintFor(world))) world.out(line);
  return plan.changes.length === 0 ? 0 : wouldChange;
}

function asFacts({ changes, remarks }: Plan, secrets: ReadonlySet<string> = new Set()) {
  const facts = changes.map((change) => {
    const { verb, subject, command, differences } = change;
    return { verb, subject, command, differences, parameters: shownForm(change, secrets) };
  });
  return { changes: facts, remarks };
}

interface Reading {
  readonly known: ReadonlyMap<string, string>;
  readonly secrets?: ReadonlySet<string>;
  /** Reads CloudStack again and plans the changes that are still needed. */
  readonly again?: () => Promise<Plan>;
}

/** Makes the changes, and reads again whether CloudStack has kept them. */
export async function carryOut(
  call: CommandCall,
  api: Api,
  plan: Plan,
  { known, again, secrets }: Reading,
): Promise<number> {
  const { world, json } = call;
  if (!json) for (const line of describePlan(plan, paintFor(world))) world.out(line);
  const tell = progressOf(call);
  let step = 0;
  const ids = await apply(api, plan.changes, known, (change) => {
    step += 1;
    tell(`${step}/${plan.changes.length} ${headline(change)}`);
  });
  if (again !== undefined && plan.changes.length > 0) refuseLoss((await again()).changes);
  const id = ids.get('extension');
  const readiness = id === undefined ? undefined : await readReadiness(api, id);
  if (json) world.out(JSON.stringify({ ...asFacts(plan, secrets), readiness }, undefined, 2));
  else for (const line of conclusion(plan, readiness)) world.out(line);
  return readiness === undefined || readiness.ready ? 0 : 1;
}

/** CloudStack cuts and drops values without a word: what was written is read again. */
function refuseLoss(left: Plan['changes']): void {
  if (left.length === 0) return;
  const words = left.map(({ subject, differences }) => {
    return `${subject} (${differences.map(({ what }) => what).join(', ')})`;
  });
  throw new Failure('upstream', `CloudStack has not kept what was written: ${words.join('; ')}`, {
    advice:
      'Look at it with --plan; a value may be too long for its place or may not be allowed there',
  });
}

function conclusion({ changes }: Plan, readiness: Readiness | undefined): string[] {
  return [
    ...(changes.length === 0 ? [] : ['', `Done: ${changes.length} changes.`]),
    ...(readiness === undefined ? [] : ['', ...wrapped(readiness.sentence, 90)]),
  ];
}

import type { Listed } from '../audit/listed.ts';
import type { CommandCall } from '../command.ts';
import { paintFor, visible } from '../terminal.ts';
import type { Outcome } from './carry-out.ts';
import type { Undecided } from './match.ts';

const wouldAdopt = 3;

/** Prints the machines that are or would be marked and the instances left to the operator; answers the exit code. */
export function report(
  { json, world }: CommandCall,
  undecided: readonly Undecided[],
  outcomes: readonly Outcome[],
  { planned }: { readonly planned: boolean },
): number {
  const paint = paintFor(world);
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const code = codeFor(outcomes.length - failed.length, undecided.length + failed.length, planned);
  if (json) {
    const facts = {
      adopted: outcomes.map(asFacts),
      undecided: undecided.map(({ instance, why }) => ({ ...names(instance), why })),
      planned,
    };
    world.out(JSON.stringify(facts, undefined, 2));
    return code;
  }
  const verb = planned ? 'would be marked for' : 'is marked for';
  for (const { match, error } of outcomes) {
    const { machine } = match.seenMachine;
    const what = `machine ${machine.remoteId} (${machine.name})`;
    const line = `${what} ${verb} ${match.instance.name}: ${match.reasons.join(' and ')}`;
    world.out(error === undefined ? paint.green(visible(line)) : paint.red(visible(error)));
  }
  for (const { instance, why } of undecided) {
    world.out(paint.yellow(visible(`${instance.name} is left alone: ${why}`)));
  }
  if (outcomes.length + undecided.length === 0) world.out('Every instance has its machine.');
  return code;
}

function codeFor(fit: number, wrong: number, planned: boolean): number {
  if (planned && fit > 0) return wouldAdopt;
  return wrong > 0 ? 1 : 0;
}

function asFacts({ match: { instance, seenMachine, reasons }, error }: Outcome) {
  const { remoteId, name } = seenMachine.machine;
  return { ...names(instance), machine: { remoteId, name }, reasons, error };
}

function names({ uuid, name }: Listed) {
  return { uuid, name };
}

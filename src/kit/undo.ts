import type { Deadline, Log, Undo } from '../contract/context.ts';
import { Failure, fullText, reworded } from '../failure.ts';

/**
 * Runs the work and, when it fails, takes back what it did, last step first, in the undo margin.
 *
 * The work's failure is the one that is thrown; what could not be taken back is added to it.
 */
export async function withUndo<T>(
  { deadline, log }: { readonly deadline: Deadline; readonly log: Log },
  work: (undo: Undo) => Promise<T>,
): Promise<T> {
  const steps: { what: string; takeBack: (deadline: Deadline) => Promise<void> }[] = [];
  try {
    return await work({ add: (what, takeBack) => void steps.push({ what, takeBack }) });
  } catch (thrown) {
    const first = Failure.from(thrown);
    const margin = deadline.forUndo();
    const left: Failure[] = [];
    for (const { what, takeBack } of steps.reverse()) {
      try {
        await takeBack(margin);
        log('undo.done', { what });
      } catch (again) {
        const failure = Failure.from(again);
        const stack = failure.kind === 'internal' ? stackOf(failure) : undefined;
        log('undo.failed', { what, error: failure.message, stack, level: 'error' });
        left.push(new Failure(failure.kind, `Could not ${what}: ${fullText(failure)}`));
      }
    }
    throw left.length === 0 ? first : withRemains(first, left);
  }
}

/** Where a programmer's error arose: nothing else tells, as the first failure is the one thrown. */
function stackOf({ cause, stack }: Failure): string | undefined {
  return cause instanceof Error ? cause.stack : stack;
}

function withRemains(first: Failure, left: readonly Failure[]): Failure {
  const remains = left.map((failure) => failure.message).join(' ');
  return reworded(first, {
    message: `${fullText(first)} ${remains}`,
    advice: "What is left carries this instance's mark: run `outrigger audit`",
  });
}

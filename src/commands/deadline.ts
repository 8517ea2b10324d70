import { createDeadline, type DeadlineControl } from '../kit/deadline.ts';

/** A deadline for what an operator started: so many seconds from now, and five more to undo. */
export function deadlineIn(seconds: number): DeadlineControl {
  const clock = (): number => performance.now();
  const endMs = clock() + seconds * 1000;
  return createDeadline(clock, { endMs, undoEndMs: endMs + 5000 });
}

/** The limits of one call, in milliseconds since the process started. */
export interface TimeoutSplit {
  /** Work ends here. */
  readonly endMs: number;
  /** Undo ends here. */
  readonly undoEndMs: number;
  /** The answer is written here, even if work or undo still go on. */
  readonly answerMs: number;
}

/** The seconds for the status calls, where an operator chose them. */
export interface StatusLimits {
  readonly status?: number | undefined;
  readonly statuses?: number | undefined;
}

const statusSeconds = 8;
const statusesSeconds = 20;

/**
 * Splits CloudStack's time-out into work, undo and answer, so that the answer is written before
 * CloudStack kills the process.
 *
 * CloudStack gives status calls half an hour although they block the host's ping, so these have
 * shorter limits.
 */
export function splitTimeout(
  action: string,
  timeoutSeconds: number,
  { status = statusSeconds, statuses = statusesSeconds }: StatusLimits = {},
): TimeoutSplit {
  const own = action === 'status' ? status : action === 'statuses' ? statuses : Infinity;
  const totalMs = Math.min(timeoutSeconds, own) * 1000;
  const answerMs = totalMs - clamp(totalMs * 0.05, 250, 2_000);
  const undoEndMs = answerMs - 50;
  return { answerMs, undoEndMs, endMs: undoEndMs - clamp(totalMs * 0.15, 250, 30_000) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

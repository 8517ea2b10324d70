import { Failure, hasReason } from '../failure.ts';
import { createRedactor } from '../kit/redact.ts';
import type { CallFacts } from './call-facts.ts';
import { type CallResult, fail } from './call-result.ts';
import { errorText, neutralText } from './error-text.ts';

/** The result of a failure, of any value that code can throw; the log has the rest under the same reference. */
export function finishFailed(facts: CallFacts, thrown: unknown): CallResult {
  const { ref, secrets } = facts;
  try {
    const failure = Failure.from(thrown);
    logFailure(facts, failure);
    const shown = isQuiet(failure) ? failure.ref : ref;
    return fail(createRedactor(secrets).text(errorText(failure, facts, shown)), shown);
  } catch {
    // A call without any answer would be worse than one with a poor answer.
    const error = 'Internal error that has no text';
    facts.log('call', { level: 'error', ms: elapsed(facts), outcome: 'internal', error });
    return fail(`${error} (ref ${ref})`, ref);
  }
}

/**
 * One of hundreds that say the same. Its line is for level debug only, so that its answer carries no
 * reference but the one under which the log has what it repeats.
 */
function isQuiet(failure: Failure): boolean {
  if (hasReason(failure, 'nothing-made')) return true;
  return hasReason(failure, 'remembered') && failure.ref !== undefined;
}

function logFailure(facts: CallFacts, failure: Failure): void {
  const { log, row, unread } = facts;
  log('call', {
    level: isQuiet(failure) ? 'debug' : row?.usesFailureMemo === true ? 'warn' : 'error',
    ms: elapsed(facts),
    outcome: failure.kind,
    error: failure.message,
    advice: failure.advice,
    // For ShowErrors: CloudStack's user interface leaves the text of a failure out.
    tenant: row?.usesFailureMemo === true ? undefined : neutralText(failure, facts),
    ...(failure.kind === 'config' ? { unread: unread?.() } : {}),
    ...loggedFacts(failure),
    ...causes(failure),
  });
}

/** The facts, with the typed members by which code decides, under the keys of log files so far. */
function loggedFacts({
  facts,
  remote,
  reason,
  ref: repeats,
}: Failure): Readonly<Record<string, unknown>> {
  const { message: text, ...more } = remote;
  return { ...facts, ...more, text, reason, repeats };
}

function causes(failure: Failure): { cause?: readonly string[] } {
  const chain: string[] = [];
  for (let each = failure.cause; each !== undefined && chain.length < 8; ) {
    const error = each instanceof Error ? each : undefined;
    // Only an error that no code foresaw is worth its stack.
    const whole = failure.kind === 'internal' ? error?.stack : undefined;
    chain.push(whole ?? error?.message ?? String(each));
    each = error?.cause;
  }
  return chain.length === 0 ? {} : { cause: chain };
}

export function elapsed({ world, startedMs }: CallFacts): number {
  return Math.round(world.clock() - startedMs);
}

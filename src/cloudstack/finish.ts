import { unlinkSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { createRedactor, type Redactor } from '../kit/redact.ts';
import type { State } from './call.ts';
import { type Body, type CallResult, fail, succeed } from './call-result.ts';
import { errorText } from './error-text.ts';
import { isOwnPayloadFile } from './payload-place.ts';

/** The answer to a success, or to the failure of putting it into one; logs either. */
export function finishWell(state: State, body: Body): CallResult {
  try {
    const { known, log } = state;
    const answer = succeed(withoutSecrets(body, createRedactor(known.secrets)));
    // Hundreds of these every minute say nothing that anybody looks for.
    const level = known.row?.remembers === true ? 'debug' : 'info';
    log('call', { level, ms: elapsed(state), outcome: 'success' });
    removePayload(state);
    return answer;
  } catch (error) {
    return finishFailed(state, error);
  }
}

/** The answer to whatever was thrown; the log has the rest of it under the same reference. */
export function finishFailed(state: State, thrown: unknown): CallResult {
  const { known, ref, args } = state;
  try {
    const failure = Failure.from(thrown);
    logFailure(state, failure);
    // After a signal nothing says that CloudStack allowed too little time.
    const timeoutSeconds = state.interrupted ? undefined : args?.timeoutSeconds;
    const text = errorText(failure, { ...known, action: args?.action, timeoutSeconds }, ref);
    return fail(createRedactor(known.secrets).text(text), ref);
  } catch {
    // A call without an answer would be worse than a poor one.
    return fail(`Something went wrong that cannot be put into words (ref ${ref})`, ref);
  }
}

/** It holds secrets; what CloudStack's own clearing leaves stays for a day. */
function removePayload({ world, config, args }: State): void {
  if (args === undefined || config === undefined || config.keepPayloads) return;
  if (!isOwnPayloadFile(args.payloadFile, world.home)) return;
  try {
    unlinkSync(args.payloadFile);
  } catch {
    // CloudStack clears up what is left after a day.
  }
}

/** A remote system may repeat in a message what it was told; the other parts are for CloudStack. */
function withoutSecrets(body: Body, { text }: Redactor): Body {
  const clean = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(clean);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, cell]) => [key, clean(cell)]));
  };
  return body['message'] === undefined ? body : { ...body, message: clean(body['message']) };
}

function logFailure(state: State, failure: Failure): void {
  const { known, log } = state;
  const remembered = failure.facts['remembered'] === true;
  log('call', {
    level: remembered ? 'debug' : known.row?.remembers === true ? 'warn' : 'error',
    ms: elapsed(state),
    outcome: failure.kind,
    error: failure.message,
    advice: failure.advice,
    ...(failure.kind === 'config' ? { unread: known.unread?.() } : {}),
    ...failure.facts,
    ...causes(failure),
  });
}

function causes(failure: Failure): { cause?: readonly string[] } {
  const chain: string[] = [];
  for (let each = failure.cause; each !== undefined && chain.length < 8; ) {
    const error = each instanceof Error ? each : undefined;
    // Only what nobody expected is worth its stack.
    const whole = failure.kind === 'internal' ? error?.stack : undefined;
    chain.push(whole ?? error?.message ?? String(each));
    each = error?.cause;
  }
  return chain.length === 0 ? {} : { cause: chain };
}

function elapsed({ world, startedMs }: State): number {
  return Math.round(world.clock() - startedMs);
}

import { unlinkSync } from 'node:fs';
import { Failure, hasReason } from '../failure.ts';
import { createRedactor, type Redactor } from '../kit/redact.ts';
import type { CallFacts } from './call-facts.ts';
import { type Body, type CallResult, fail, succeed } from './call-result.ts';
import { errorText } from './error-text.ts';

/** The result of a success, or of the failure to write it as one; logs either. */
export function finishWell(facts: CallFacts, body: Body): CallResult {
  try {
    const { log, secrets, row } = facts;
    const result = succeed(withoutSecrets(body, createRedactor(secrets)));
    // CloudStack sends hundreds of status calls a minute, and no reader looks for those that succeed.
    const level = row?.usesFailureMemo === true ? 'debug' : 'info';
    log('call', { level, ms: elapsed(facts), outcome: 'success' });
    removePayload(facts);
    return result;
  } catch (error) {
    return finishFailed(facts, error);
  }
}

/** The result of a failure, of any value that code can throw; the log has the rest under the same reference. */
export function finishFailed(facts: CallFacts, thrown: unknown): CallResult {
  const { ref, secrets } = facts;
  try {
    const failure = Failure.from(thrown);
    logFailure(facts, failure);
    return fail(createRedactor(secrets).text(errorText(failure, facts)), ref);
  } catch {
    // A call without any answer would be worse than one with a poor answer.
    return fail(`Internal error that has no text (ref ${ref})`, ref);
  }
}

/** The payload holds secrets, and CloudStack itself deletes it only a day later. */
function removePayload({ world, config, args }: CallFacts): void {
  if (args === undefined || config === undefined || config.keepPayloads) return;
  if (!isOwnPayloadFile(args.payloadFile, world.home)) return;
  try {
    unlinkSync(args.payloadFile);
  } catch {
    // CloudStack deletes what is left after a day.
  }
}

const uuidJson = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$/i;
const homes = ['/var/lib/cloudstack/management', '/var/cloudstack/management'];

/** Whether CloudStack itself wrote the file: `<its home>/extensions/<name>/<uuid>.json`. */
export function isOwnPayloadFile(file: string, home: string | undefined): boolean {
  return [...homes, ...(home === undefined ? [] : [home.replace(/\/+$/, '')])].some((place) => {
    const start = `${place}/extensions/`;
    if (!file.startsWith(start)) return false;
    const [extension = '', name = '', ...rest] = file.slice(start.length).split('/');
    return rest.length === 0 && !/^\.{0,2}$/.test(extension) && uuidJson.test(name);
  });
}

/** Cleans the message, in which a remote system may repeat its credentials; the rest is for CloudStack. */
function withoutSecrets(body: Body, { text }: Redactor): Body {
  const clean = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(clean);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, cell]) => [key, clean(cell)]));
  };
  return body['message'] === undefined ? body : { ...body, message: clean(body['message']) };
}

function logFailure(facts: CallFacts, failure: Failure): void {
  const { log, row, unread } = facts;
  const remembered = hasReason(failure, 'remembered');
  log('call', {
    level: remembered ? 'debug' : row?.usesFailureMemo === true ? 'warn' : 'error',
    ms: elapsed(facts),
    outcome: failure.kind,
    error: failure.message,
    advice: failure.advice,
    ...(failure.kind === 'config' ? { unread: unread?.() } : {}),
    ...loggedFacts(failure),
    ...causes(failure),
  });
}

/** The facts, with the typed members by which code decides, under the keys of log files so far. */
function loggedFacts({ facts, remote, reason }: Failure): Readonly<Record<string, unknown>> {
  const { message: text, ...more } = remote;
  return { ...facts, ...more, text, reason };
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

function elapsed({ world, startedMs }: CallFacts): number {
  return Math.round(world.clock() - startedMs);
}

import { unlinkSync } from 'node:fs';
import { createRedactor, type Redactor } from '../kit/redact.ts';
import type { CallFacts } from './call-facts.ts';
import type { Body, CallResult } from './call-result.ts';
import { elapsed, finishFailed } from './finish.ts';
import { succeed } from './success-result.ts';

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

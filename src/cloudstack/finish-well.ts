import { createRedactor, type Redactor } from '../kit/redact.ts';
import type { CallFacts } from './call-facts.ts';
import type { Body, CallResult } from './call-result.ts';
import { elapsed, finishFailed } from './finish.ts';
import { removePayload } from './remove-payload.ts';
import { succeed } from './success-result.ts';

/** The result of a success, or of the failure to write it as one; logs either. */
export function finishWell(facts: CallFacts, body: Body): CallResult {
  try {
    const { log, secrets, row, args, config, world } = facts;
    const result = succeed(withoutSecrets(body, createRedactor(secrets)));
    // CloudStack sends hundreds of status calls a minute, and no reader looks for those that succeed.
    const level = row?.usesFailureMemo === true ? 'debug' : 'info';
    log('call', { level, ms: elapsed(facts), outcome: 'success' });
    if (args !== undefined && config?.keepPayloads === false) {
      removePayload(args.payloadFile, world.home);
    }
    return result;
  } catch (error) {
    return finishFailed(facts, error);
  }
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

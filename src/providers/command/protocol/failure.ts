import * as v from 'valibot';
import { flag, line } from './values.ts';

/** The kinds of failure that a driver may answer. */
export const failureKinds = [
  'missing',
  'busy',
  'in-use',
  'denied',
  'unreachable',
  'invalid',
  'unknown',
] as const;

export type SaidKind = (typeof failureKinds)[number];

/** The `error` of an answer; the driver ends with exit code 1. */
export function error() {
  return v.strictObject({
    kind: v.pipe(
      v.picklist(failureKinds),
      v.description(
        'missing: there certainly is no such machine; busy: nothing was done, try again soon; in-use: the name belongs to another machine; denied: the account may not; unreachable: your system does not answer; invalid: what was asked cannot be done',
      ),
    ),
    message: line(1000, 'What was tried, on what, and what came back; never a secret'),
    sent: v.optional(flag('Whether the change may have happened; true where left out')),
    advice: v.optional(line(500, 'What the operator should do')),
    tenant: v.optional(line(300, 'A sentence that any tenant may read')),
  });
}

export type SaidError = v.InferOutput<ReturnType<typeof error>>;

import { Failure, type FailureKind, statusOf } from '../../../failure.ts';
import type { Reader } from './xdr.ts';

/** The codes of libvirt's errors by which code decides; each is the `status` of its failure. */
export const codes = {
  invalidArgument: 8,
  operationFailed: 9,
  noDomain: 42,
  authFailed: 45,
  noPool: 49,
  noVolume: 50,
  operationInvalid: 55,
  noSnapshot: 72,
  noMetadata: 80,
  volumeExists: 90,
} as const;

const kinds: Readonly<Record<number, FailureKind>> = {
  ...{ 42: 'not-found', 43: 'not-found', 49: 'not-found', 50: 'not-found' },
  ...{ 72: 'not-found', 80: 'not-found' },
  ...{ 55: 'conflict', 68: 'conflict', 87: 'conflict', 90: 'conflict' },
  ...{ 29: 'denied', 45: 'denied', 79: 'denied', 88: 'denied' },
  ...{ 3: 'unsupported', 67: 'unsupported', 74: 'unsupported', 84: 'unsupported' },
};

/** The failure in the body of an error message, of which code, domain and text come first. */
export function errorIn(answer: Reader, what: string): Failure {
  const status = answer.i32();
  answer.i32();
  const message = (answer.optional() ?? 'an error without a text').slice(0, 1000);
  const text = `Could not ${what}: libvirt answered "${message}"`;
  const kind = kindOf(status, message);
  return new Failure(kind, text, {
    remote: { status, message },
    reason: status === codes.noDomain ? 'taken-away' : undefined,
    ...(remedies[kind] ?? {}),
  });
}

const remedies: Partial<Record<FailureKind, { readonly advice: string }>> = {
  denied: {
    advice: 'Let the client certificate in with all rights: see auth_tls and access_drivers there',
  },
};

/** 9 says everything that failed, also that a name or a UUID is taken. */
function kindOf(status: number, message: string): FailureKind {
  if (status === codes.operationFailed && /already (exists|defined)/.test(message)) {
    return 'conflict';
  }
  return kinds[status] ?? 'upstream';
}

export function hasCode(thrown: unknown, ...wanted: readonly (keyof typeof codes)[]): boolean {
  const status = statusOf(thrown);
  return wanted.some((name) => codes[name] === status);
}

import { Failure, type FailureKind } from '../../failure.ts';

interface Meaning {
  readonly kind: FailureKind;
  readonly says: string;
  readonly advice?: string;
}

/** The meanings of CloudStack's own error codes; the HTTP status is the same number. */
const meanings: Readonly<Record<number, Meaning>> = {
  401: {
    kind: 'denied',
    says: 'CloudStack does not accept the API key or the signature',
    advice:
      'Check that key and secret belong together and to an enabled user, and that the clocks agree; CloudStack says the same of a call that it does not have',
  },
  405: {
    kind: 'denied',
    says: 'CloudStack does not allow this call in this way',
    advice: 'Check the address: it ends in /client/api',
  },
  429: { kind: 'conflict', says: 'too many calls', advice: 'Try again in a minute' },
  430: { kind: 'upstream', says: 'a parameter is malformed' },
  431: { kind: 'upstream', says: 'a parameter is wrong or missing' },
  432: {
    kind: 'denied',
    says: 'the role of the user, or the rules of the key pair, do not allow this call',
    advice:
      'Use the keys of a root administrator; where the key pair has rules, docs/registering.md lists the calls that it needs',
  },
  530: { kind: 'upstream', says: 'it failed inside CloudStack' },
  531: { kind: 'denied', says: 'the account does not allow it' },
  532: { kind: 'denied', says: 'the limits of the account do not allow it' },
  533: { kind: 'conflict', says: 'there is not enough capacity' },
  534: { kind: 'conflict', says: 'a resource is not available' },
  535: { kind: 'conflict', says: 'a resource could not be allocated' },
  536: { kind: 'conflict', says: 'something that is in use stands in the way' },
  537: { kind: 'conflict', says: 'it contradicts a network rule' },
};

/** The meaning of a 401 once the same keys have been accepted. */
const noSuchCall: Meaning = {
  kind: 'unsupported',
  says: 'this CloudStack does not have the call, since it has accepted the same keys before',
  advice: 'Outrigger needs CloudStack 4.21 or later',
};

/** Facts about the connection that explain a refusal. */
interface Circumstances {
  readonly skewMs?: number | undefined;
  /** Another call of the same keys was answered before. */
  readonly accepted?: boolean;
}

/** The failure for an answer that is none of success: what was called, what it means, its words. */
export function failureFor(
  command: string,
  code: number,
  text: string,
  { skewMs, accepted = false }: Circumstances = {},
): Failure {
  const usual = meanings[code] ?? { kind: 'upstream' as const, says: 'it was not carried out' };
  const meaning = code === 401 && accepted ? noSuchCall : usual;
  const words = text.replace(/\s+/g, ' ').trim().slice(0, 500);
  const skewed = code === 401 && skewMs !== undefined && Math.abs(skewMs) > 60_000;
  const advice = skewed
    ? `The clocks differ by ${Math.round(Math.abs(skewMs) / 1000)} s: signatures have ended before they arrive. Set them by NTP`
    : meaning.advice;
  return new Failure(
    meaning.kind,
    `${command}: ${meaning.says} (${code})${words === '' ? '' : `: ${words}`}`,
    { ...(advice === undefined ? {} : { advice }), remote: { status: code, message: words } },
  );
}

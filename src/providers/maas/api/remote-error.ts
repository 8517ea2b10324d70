import { Failure, type Remote, statusOf, wasNotSent } from '../../../failure.ts';
import { isOnTheWay } from '../../../kit/http/errors.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import { parseJson } from '../../../kit/json.ts';
import { oneLine } from './schemas.ts';

/** The request that was made of MAAS, for texts. */
export interface Attempt {
  /** Completes "MAAS ...", such as `deploy machine abc`. */
  readonly what: string;
  /** The path names one machine, so that 404 means this machine and not the API. */
  readonly one: boolean;
  readonly secret: string;
  readonly nowMs: number;
}

/** A timestamp that is older than this is refused; one from the future is not. */
const acceptedAgeMs = 300_000;

/**
 * The failure for an answer that is none of success, decided by the number alone: the texts differ
 * between versions. MAAS's own text becomes part of the sentence, except for 401, where some
 * versions print the signature they expected.
 */
export function failureFor(reply: Reply, attempt: Attempt): Failure {
  const { status } = reply;
  const { what, one } = attempt;
  const remote = { status };
  if (status === 401) return unauthorized(reply, attempt);
  const message = remoteMessage(reply, attempt.secret);
  if (status === 403) {
    return new Failure('denied', `MAAS does not let this key ${what}${message}`, {
      advice:
        "The machine is locked or belongs to another MAAS user, or an administrator's key is needed",
      remote,
    });
  }
  if (status === 404) return notFound(attempt, message);
  if (status === 409) return new Failure('conflict', `MAAS will not ${what}${message}`, { remote });
  if (status === 503) return busy(reply, attempt, message);
  if (status === 502 || status === 504) {
    const text =
      status === 502
        ? `The proxy before MAAS does not reach it to ${what} (502)`
        : `MAAS did not finish in time to ${what} (504)`;
    return new Failure('unreachable', text, {
      remote,
      outage: !one,
      ...(status === 502
        ? { advice: 'A region controller that is being restarted is back in half a minute' }
        : {}),
    });
  }
  if (status < 400) return redirected(reply, attempt);
  const text = `MAAS refused to ${what}: ${status} ${reply.reason}`.trim();
  return new Failure('upstream', `${text}${message}`, {
    remote: status === 400 ? { status, message } : remote,
  });
}

/** Whether MAAS asked to come back later; a subnet without a free address does not get one by waiting. */
export function isBusy(thrown: unknown): boolean {
  return statusOf(thrown) === 503 && !isExhausted(thrown);
}

function isExhausted(thrown: unknown): boolean {
  return thrown instanceof Failure && noAddress.test(thrown.remote.message ?? '');
}

const noAddress = /no more ips available/i;

/** Whether a proxy before MAAS answered for it, as it does while the region is being restarted. */
export function isGateway(thrown: unknown): boolean {
  return statusOf(thrown) === 502 || statusOf(thrown) === 504;
}

/** Whether two deployments wanted one address: MAAS has then done nothing, and the next try gets another. */
export function isAddressRace(thrown: unknown): boolean {
  if (!(thrown instanceof Failure) || statusOf(thrown) !== 400) return false;
  return /static ip address with this .*already exists/i.test(thrown.remote.message ?? '');
}

/** Whether MAAS may have carried the request out although its answer did not arrive. */
export function isUncertain(thrown: unknown): boolean {
  if (statusOf(thrown) !== undefined) return isGateway(thrown);
  return isOnTheWay(thrown) && !wasNotSent(thrown);
}

/** Server minus own clock in milliseconds, by the Date header; `undefined` without one. */
export function clockSkewMs(reply: Reply, nowMs: number): number | undefined {
  const theirs = Date.parse(reply.header('date') ?? '');
  return Number.isNaN(theirs) ? undefined : theirs - nowMs;
}

function unauthorized(reply: Reply, { what, nowMs }: Attempt): Failure {
  const skewMs = clockSkewMs(reply, nowMs);
  const remote = { status: 401 };
  if (skewMs !== undefined && skewMs > acceptedAgeMs - 5_000) {
    const minutes = Math.round(skewMs / 60_000);
    return new Failure(
      'config',
      `MAAS takes our requests for old ones, since the clock of this management server is ${minutes} minutes behind`,
      {
        advice: 'Set the clocks right (chrony or systemd-timesyncd): five minutes are allowed',
        outage: true,
        remote,
      },
    );
  }
  return new Failure('denied', `MAAS does not accept the API key (401, asked to ${what})`, {
    advice:
      "It is mistyped, was deleted, or belongs to another MAAS: compare apikey with the keys on the user's page",
    outage: true,
    remote,
  });
}

/** One machine's is that machine's; on anything else every call will meet it. */
function busy(reply: Reply, { what, one }: Attempt, message: string): Failure {
  if (noAddress.test(message)) {
    return new Failure('conflict', `MAAS did not ${what}${message}`, {
      advice: 'Free addresses of the subnet in MAAS, or give it a larger range',
      tenant: 'No address is free in the network of the machine',
      remote: { status: 503, message },
    });
  }
  const seconds = Number(reply.header('retry-after') ?? Number.NaN);
  const remote: Remote = {
    status: 503,
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
  return new Failure(
    one ? 'conflict' : 'unreachable',
    `MAAS is busy and did not ${what}${message}`,
    {
      advice: one
        ? 'Another action is still going on, or a rack controller or an address is missing: look at the events of the machine'
        : 'Look at the region controllers of MAAS and at the proxy before them',
      remote,
    },
  );
}

function redirected(reply: Reply, { what }: Attempt): Failure {
  const place = (reply.header('location') ?? 'elsewhere')
    .replace(/[^\x21-\x7e]/g, '')
    .slice(0, 200);
  return new Failure(
    'config',
    `The endpoint sends us to ${place} (${reply.status}, asked to ${what})`,
    {
      advice: 'Set "endpoint" to the address that MAAS really has: a key is sent nowhere else',
      outage: true,
      remote: { status: reply.status },
    },
  );
}

function notFound({ one, what }: Attempt, message: string): Failure {
  const remote = { status: 404 };
  if (one)
    return new Failure('not-found', `MAAS knows no such machine to ${what}${message}`, { remote });
  return new Failure('config', `There is no MAAS API behind the endpoint (404, asked to ${what})`, {
    advice: 'Compare "endpoint" with the address of the web interface, without what follows /MAAS',
    outage: true,
    remote,
  });
}

/** The beginning of what MAAS wrote, on one line, without the token's secret. */
function remoteMessage({ text }: Reply, secret: string): string {
  const told = oneLine(describeBody(text).split(secret).join('***'), 300);
  return told === '' || told.startsWith('<') ? '' : `: ${told}`;
}

/** Validation errors are an object of lists by field; everything else is plain text. */
function describeBody(text: string): string {
  if (!text.startsWith('{')) return text;
  const fields = parseJson(text) as Readonly<Record<string, unknown>> | undefined;
  if (fields === undefined) return text;
  return Object.entries(fields)
    .map(([field, words]) => `${field}: ${[words].flat().join(' ')}`)
    .join('; ');
}

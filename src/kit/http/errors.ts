import { Failure, isKind, reworded, wasNotSent } from '../../failure.ts';
import type { Endpoint } from './address.ts';

/** Whether the server can have seen anything of the request. */
export type Sent = 'no' | 'maybe';

/** The attempt, for texts. */
export interface Attempt {
  readonly title: string;
  readonly endpoint: Endpoint;
  /** Method and path, without the query. */
  readonly what: string;
}

const persistent = /^(ENOTFOUND|ETIMEDOUT|EPROTO|ERR_|TLS_)/;

/** Trouble on the way that another try a moment later would meet again, or take too long to. */
export function isPersistent(thrown: unknown): boolean {
  return thrown instanceof Failure && persistent.test(thrown.remote.code ?? '');
}

/** Trouble on the way: no answer came, or none that a server of this system gives. */
export function isOnTheWay(thrown: unknown): boolean {
  return isKind(thrown, 'timeout', 'unreachable');
}

type Words = readonly [text: string, advice?: string];

const network = 'Check the network, the firewall and the port';

const words: Readonly<Record<string, (attempt: Attempt) => Words>> = {
  ECONNREFUSED: (a) => [
    `${where(a)} refused the connection`,
    'Is the service running there, and is the port right?',
  ],
  ENOTFOUND: ({ title, endpoint }) => [
    `The name ${endpoint.host} of ${title} does not exist in the DNS of this management server`,
    'Check the url for a typing error, and the name servers',
  ],
  EAI_AGAIN: ({ title, endpoint }) => [
    `The name ${endpoint.host} of ${title} could not be looked up: the name servers do not answer`,
    'Check the name servers of this management server',
  ],
  ETIMEDOUT: (a) => [`${where(a)} did not take the connection in time`, network],
  EHOSTUNREACH: (a) => [`There is no way to ${where(a)}`, network],
  ENETUNREACH: (a) => [`There is no way to ${where(a)}`, network],
};

/** Turns what a socket or the HTTP parser reports into a sentence with `sent` and `code` beside. */
export function transportFailure(thrown: unknown, attempt: Attempt, sent: Sent): Failure {
  if (thrown instanceof Failure) return withSent(thrown, sent);
  const error = causeOf(thrown);
  if (isProgrammersError(error)) return Failure.from(error);
  const code = error.code ?? 'UNKNOWN';
  const [text, advice] = words[code]?.(attempt) ?? otherWords(error, attempt, sent);
  const kind = code.startsWith('HPE_') ? 'upstream' : 'unreachable';
  return new Failure(kind, text, {
    cause: thrown,
    remote: { sent, code },
    advice,
  });
}

/** No socket, TLS library or HTTP parser throws these for what a server does. */
function isProgrammersError(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError].some((type) => error instanceof type);
}

function otherWords(error: NodeJS.ErrnoException, attempt: Attempt, sent: Sent): Words {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) {
    return [`${where(attempt)} answered ${attempt.what} with something that is not HTTP (${code})`];
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
    return tlsWords(error, attempt);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return sent === 'no'
      ? [`${where(attempt)} closed the connection before it was set up`, 'Is the port right?']
      : [`${where(attempt)} closed the connection without answering ${attempt.what}`];
  }
  return [`Cannot reach ${where(attempt)}: ${error.message}`];
}

function tlsWords(error: NodeJS.ErrnoException, attempt: Attempt): Words {
  const text = `${error.code} ${error.message}`;
  if (/wrong.version.number|packet.length.too.long|http.request/i.test(text)) {
    return [`${where(attempt)} does not speak TLS on this port`, 'Check the port in the url'];
  }
  const reason = /ssl3?[\w ]*:+([^:]+):/i.exec(error.message)?.[1] ?? error.code ?? error.message;
  return [
    `${where(attempt)} and this server found no common TLS version or cipher (${reason.trim()})`,
    'The remote system has to offer TLS 1.2 or newer',
  ];
}

/** Several addresses of one name fail together; the first one's reason stands for all. */
function causeOf(thrown: unknown): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown));
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner : error;
}

/** The same failure, knowing whether the request can have been seen. */
export function withSent(failure: Failure, sent: Sent): Failure {
  const { kind, remote } = failure;
  return reworded(failure, { remote: { code: kind.toUpperCase(), ...remote, sent } });
}

/** One failure for all endpoints of a system that were tried in vain. */
export function allFailed(title: string, failures: readonly Failure[]): Failure {
  const [first] = failures;
  if (first === undefined) throw new Failure('internal', `${title} has no endpoint to try`);
  if (failures.length === 1) return first;
  const advice = failures.find((failure) => failure.advice !== undefined)?.advice;
  const sent = failures.every(wasNotSent) ? 'no' : 'maybe';
  return new Failure(
    'unreachable',
    `No server of ${title} could be used: ${failures.map((f) => f.message).join('; ')}`,
    {
      cause: first,
      remote: { sent, code: first.remote.code },
      advice,
    },
  );
}

export function where({ title, endpoint }: Attempt): string {
  return `${title} at ${endpoint.url}`;
}

import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure, isKind, statusOf, wasNotSent } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { createHttp, type Http } from '../../../kit/http/client.ts';
import { isPersistent } from '../../../kit/http/errors.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import { retryWhile } from '../../../kit/retry.ts';
import type { Settings } from '../settings.ts';
import { apiUrl } from './endpoint.ts';
import { authorization, readApiKey } from './oauth.ts';
import { failureFor, isBusy, isGateway } from './remote-error.ts';

export interface Ask {
  /** Completes "MAAS did not ..." in a failure. */
  readonly what: string;
  readonly query?: Pairs;
  /** The only kind of body that MAAS reads. */
  readonly form?: Pairs;
  /** How long it is asked again while it is busy, or a read while it restarts; 0 by default. */
  readonly busyTimeoutMs?: number;
  readonly limitMs?: number;
  readonly deadline: Deadline;
}

/** A client of one MAAS: every reply it gives is a success, everything else is thrown. */
export interface Client {
  /** The base URL of the API, for addresses beside it. */
  readonly url: string;
  get(path: string, ask: Ask): Promise<Reply>;
  post(path: string, ask: Ask): Promise<Reply>;
  put(path: string, ask: Ask): Promise<Reply>;
  close(): void;
}

type Method = 'GET' | 'POST' | 'PUT';

const oneMachine = /^\/machines\/[^/]+\//;
/** Listings of hundreds of machines with all their interfaces are that large. */
const maxBytes = 128 * 1024 * 1024;
const triesWhenUnreachable = 3;

/** `path` is the one below /MAAS/api/2.0 and ends in a slash. */
export function createClient(
  settings: Settings,
  { deadline, log, suspect }: Pick<Context, 'deadline' | 'log' | 'suspect'>,
): Client {
  /** Until the first answer: one try shows whether a system that was unreachable is well again. */
  let tries = suspect ? 1 : triesWhenUnreachable;
  const url = apiUrl(settings.endpoint) ?? settings.endpoint;
  const key = readApiKey(settings.apikey);
  const http = createHttp({
    title: 'MAAS',
    endpoints: [url],
    tls: {
      verify: settings.verify_tls_certificate,
      fingerprints: settings.tls_fingerprint ?? [],
      ...(settings.ca_file === undefined ? {} : { ca: settings.ca_file }),
    },
    deadline,
    log,
    maxBytes,
    allowPlainHttp: true,
    // A repetition needs another nonce, which only we can give it.
    readRetries: 0,
    suspect,
  });

  const once = async (method: Method, path: string, ask: Ask): Promise<Reply> => {
    const nowMs = Date.now();
    const reply = await send(http, method, path, ask, authorization(key, nowMs));
    if (reply.status < 300) return reply;
    throw failureFor(reply, {
      what: ask.what,
      one: oneMachine.test(path),
      secret: key.secret,
      nowMs,
    });
  };

  const request = async (method: Method, path: string, ask: Ask): Promise<Reply> => {
    const end = ask.deadline;
    const busyTimeoutMs = Math.min(ask.busyTimeoutMs ?? 0, end.remainingMs());
    const beganMs = end.remainingMs();
    let lost = 0;
    const policy = {
      deadline: end,
      doing: `waiting for MAAS to ${ask.what}`,
      pauseMs(thrown: unknown, turn: number): number | undefined {
        const waitMs = pauseMs(thrown, turn);
        const isWithinBusyTimeout = beganMs - end.remainingMs() + waitMs <= busyTimeoutMs;
        // The proxy before a region that is being restarted answers for it, and has done nothing.
        const isWaitedFor = isBusy(thrown) || (method === 'GET' && isGateway(thrown));
        if (isWaitedFor) return isWithinBusyTimeout ? waitMs : undefined;
        lost += 1;
        const again = mayRepeat(thrown, method) && lost < tries;
        return again ? waitMs : undefined;
      },
    };
    const reply = await retryWhile(policy, () => once(method, path, ask));
    tries = triesWhenUnreachable;
    return reply;
  };

  return {
    url,
    get: (path, ask) => request('GET', path, ask),
    post: (path, ask) => request('POST', path, ask),
    put: (path, ask) => request('PUT', path, ask),
    close: http.close,
  };
}

/** How long to wait after a failure: as MAAS asks to, else ever longer. */
export function pauseMs(thrown: unknown, turn: number): number {
  const wantedMs = thrown instanceof Failure ? (thrown.remote.retryAfterMs ?? 0) : 0;
  return Math.max(wantedMs, Math.min(10_000, 50 * 2 ** Math.min(turn, 10)));
}

function mayRepeat(thrown: unknown, method: Method): boolean {
  if (statusOf(thrown) !== undefined || !isKind(thrown, 'unreachable')) return false;
  return !isPersistent(thrown) && (method === 'GET' || wasNotSent(thrown));
}

function send(
  http: Http,
  method: Method,
  path: string,
  { query, form, limitMs, deadline }: Ask,
  header: string,
): Promise<Reply> {
  return http.request(method, path, {
    headers: { authorization: header },
    ...(query === undefined ? {} : { query }),
    // Even without parameters a body has to be a form: anything else is a 500 or ignored.
    ...(method === 'GET' ? {} : { form: form ?? {} }),
    ...(limitMs === undefined ? {} : { limitMs }),
    deadline,
  });
}

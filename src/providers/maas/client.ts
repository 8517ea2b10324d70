import type { Deadline, Log } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';
import type { Pairs } from '../../kit/http/address.ts';
import { createHttp, type Http } from '../../kit/http/client.ts';
import type { Reply } from '../../kit/http/reply.ts';
import { isLasting, nothingHappened } from '../../kit/http/trouble.ts';
import { apiUrl } from './endpoint.ts';
import { authorization, readApiKey } from './oauth.ts';
import type { Settings } from './settings.ts';
import { failureFor, isBusy, statusOf } from './trouble.ts';

export interface Ask {
  /** Completes "MAAS did not ..." in a failure. */
  readonly what: string;
  readonly query?: Pairs;
  /** The only kind of body that MAAS reads. */
  readonly form?: Pairs;
  /** How long it is asked again while it is busy; 0 unless said otherwise. */
  readonly patienceMs?: number;
  readonly limitMs?: number;
  readonly deadline?: Deadline;
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
  { deadline, log }: { readonly deadline: Deadline; readonly log: Log },
): Client {
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
    const end = ask.deadline ?? deadline;
    const patienceMs = Math.min(ask.patienceMs ?? 0, end.remainingMs());
    const beganMs = end.remainingMs();
    for (let turn = 1, lost = 1; ; turn += 1) {
      try {
        return await once(method, path, ask);
      } catch (thrown) {
        const failure = Failure.from(thrown);
        const waitMs = pauseMs(failure, turn);
        const spentMs = beganMs - end.remainingMs();
        if (isBusy(failure)) {
          if (spentMs + waitMs > patienceMs) throw failure;
        } else if (mayRepeat(failure, method) && lost < triesWhenUnreachable) {
          lost += 1;
        } else {
          throw failure;
        }
        // What came of the last try says more than that there was no time for another.
        if (waitMs >= end.remainingMs()) throw failure;
        await end.sleep(waitMs, `waiting for MAAS to ${ask.what}`);
      }
    }
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
export function pauseMs(failure: Failure, turn: number): number {
  const { retryAfterMs } = failure.facts;
  const growing = Math.min(10_000, 50 * 2 ** Math.min(turn, 10));
  return typeof retryAfterMs === 'number' ? Math.max(retryAfterMs, growing) : growing;
}

function mayRepeat(failure: Failure, method: Method): boolean {
  if (statusOf(failure) !== undefined || failure.kind !== 'unreachable') return false;
  return !isLasting(failure) && (method === 'GET' || nothingHappened(failure));
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
    ...(deadline === undefined ? {} : { deadline }),
  });
}

import { createFetch } from 'ofetch';
import type { Deadline, Log } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';
import { createAdapter } from './adapter.ts';
import { type Endpoint, readEndpoint } from './address.ts';
import { where, withSent } from './errors.ts';
import type { Init } from './exchange.ts';
import { createExpiry, type Expiry } from './expiry.ts';
import { firstAnswerWithin } from './first-answer.ts';
import { MiniHeaders } from './globals.ts';
import { type Reply, replyOf } from './reply.ts';
import { type Content, createRequest, type HttpRequest, type Method } from './request.ts';
import type { HttpResponse } from './response.ts';
import { tryInTurn } from './retry.ts';
import { createSlots } from './slots.ts';
import { createVerifier, type Tls } from './tls.ts';

export interface HttpOptions {
  /** The name of the remote system in texts, such as "Remote VE". */
  readonly title: string;
  /** Base URLs of one system; the next is tried when nothing can have reached the one before. */
  readonly endpoints: readonly string[];
  readonly tls: Tls;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadline: Deadline;
  readonly log: Log;
  readonly allowPlainHttp?: boolean;
  /** Connections at once, 4 unless said otherwise; 1 where a login belongs to its connection. */
  readonly maxSockets?: number;
  /** The largest answer taken, 16 MiB unless said otherwise. */
  readonly maxBytes?: number;
  /** How often all endpoints are tried again after trouble on the way, 2 unless said otherwise. */
  readonly readRetries?: number;
  /** How long opening one connection may take, 5000 unless said otherwise. */
  readonly connectMs?: number;
  /**
   * The system was unreachable moments ago: it is tried once, its first connection is waited for 2 s at most,
   * and 5 s for the beginning of its first answer, unless a change was asked for.
   */
  readonly suspect?: boolean | undefined;
}

export interface RequestOptions extends Content {
  /** For the request as a whole, its repetitions included. */
  readonly limitMs?: number;
  /** In place of the client's own, such as the one for undo. */
  readonly deadline?: Deadline;
  /** Without its answer nothing is in doubt, although its method is that of a change. */
  readonly harmless?: boolean;
}

/** A client of one remote system. */
export interface Http {
  /**
   * Ends with the answer, of any status. `path` begins with a slash and is sent as it is.
   *
   * Throws `unreachable`, `timeout` or, for what is no bearable answer, `upstream`;
   * `wasNotSent` tells whether a change can have taken place all the same.
   */
  request(method: Method, path: string, options?: RequestOptions): Promise<Reply>;
  /** Closes the connections. */
  close(): void;
}

/** Any system that is well connects in this time, TLS included. */
const suspectMs = 2000;

/** Fails with `config` for an address or a fingerprint that is none; connects when first asked. */
export function createHttp(options: HttpOptions): Http {
  const { title, deadline, connectMs = 5000, readRetries = 2 } = options;
  /** Until the first answer, which shows that the system is well again. */
  let suspect = options.suspect === true;
  let answered = false;
  const endpoints = options.endpoints.map((url) => readEndpoint(url, options));
  const adapter = createAdapter(
    createVerifier(options.tls, title),
    options.maxBytes ?? 16 * 2 ** 20,
  );
  const send = through(adapter.fetch, options.headers);
  const slots = createSlots(options.maxSockets ?? 4);
  let working = endpoints[0];

  const once = async (
    request: HttpRequest,
    endpoint: Endpoint,
    { expiry, another, harmless }: Occasion,
  ): Promise<Reply> => {
    const attempt = { title, endpoint, what: `${request.method} ${request.path}` };
    const early = (): Failure =>
      withSent(expiry.failure(`about to send ${attempt.what} to ${where(attempt)}`), 'no');
    const giveBack = await slots.take(expiry, early);
    try {
      const leftMs = expiry.remainingMs();
      if (leftMs === 0) throw early();
      // Another endpoint must still get its chance within the time there is.
      const openMs = suspect ? Math.min(connectMs, suspectMs) : connectMs;
      const mostMs = endpoints.length > 1 ? Math.min(openMs, leftMs / 2) : openMs;
      const firstAnswer =
        answered || !harmless ? undefined : firstAnswerWithin(leftMs, suspect, another);
      const answer = await logged(options.log, request, endpoint, () =>
        send(request, { ...attempt, expiry, connectMs: mostMs, firstAnswer }),
      );
      working = endpoint;
      suspect = false;
      answered = true;
      return replyOf(answer, attempt);
    } finally {
      giveBack();
    }
  };

  return {
    request: async (method, path, { limitMs, deadline: own, harmless, ...content } = {}) => {
      const request = createRequest(method, path, content);
      const expiry = createExpiry(own ?? deadline, limitMs);
      const inTurn = [...endpoints].sort((a, b) => Number(b === working) - Number(a === working));
      const retries = suspect ? 0 : readRetries;
      const last = inTurn[inTurn.length - 1];
      return tryInTurn(
        { title, endpoints: inTurn, safe: request.safe, retries, expiry },
        (endpoint) => {
          const another = endpoint !== last;
          return once(request, endpoint, {
            expiry,
            another,
            harmless: harmless ?? request.safe,
          });
        },
      );
    },
    close: adapter.close,
  };
}

/** One try of a request at one endpoint. */
interface Occasion {
  readonly expiry: Expiry;
  /** Another endpoint is tried after this one. */
  readonly another: boolean;
  readonly harmless: boolean;
}

type Extras = Omit<Init, 'method' | 'headers' | 'body'>;

/** Sends through ofetch, which merges the headers; statuses and repetitions stay with us. */
function through(
  fetch: (url: string, init: Init) => Promise<HttpResponse>,
  headers: Readonly<Record<string, string>> = {},
): (request: HttpRequest, extras: Extras) => Promise<HttpResponse> {
  const api = createFetch({
    fetch: fetch as unknown as typeof globalThis.fetch,
    Headers: MiniHeaders as unknown as typeof Headers,
    defaults: {
      headers: { accept: '*/*', ...headers },
      ignoreResponseError: true,
      retry: 0,
      responseType: 'text',
    },
  });
  return async ({ method, target, headers: own, body }, extras) => {
    const init = { ...extras, method, headers: own, ...(body === undefined ? {} : { body }) };
    try {
      const answer: unknown = await api.raw(extras.endpoint.url + target, init);
      return answer as HttpResponse;
    } catch (thrown) {
      throw Failure.from(thrown instanceof Error && thrown.cause ? thrown.cause : thrown);
    }
  };
}

/** One line per request; never its query, headers or bodies. */
async function logged(
  log: Log,
  { method, path }: HttpRequest,
  { url: endpoint }: Endpoint,
  work: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const startedMs = Date.now();
  const line = (facts: Readonly<Record<string, unknown>>): void =>
    log('http', {
      level: 'debug',
      ...{ method, path, ...facts, ms: Date.now() - startedMs, endpoint },
    });
  try {
    const answer = await work();
    line({ status: answer.status });
    return answer;
  } catch (thrown) {
    line({ error: thrown instanceof Failure ? thrown.remote.code : undefined });
    throw thrown;
  }
}

import type { Context, Deadline } from '../../../contract/context.ts';
import { expectFailure, Failure, statusOf } from '../../../failure.ts';
import type { Pairs } from '../../../kit/http/address.ts';
import { createHttp, type Http } from '../../../kit/http/client.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import type { Content, Method } from '../../../kit/http/request.ts';
import { type RetryPolicy, retryWhile } from '../../../kit/retry.ts';
import type { Connection } from '../settings-connection.ts';
import { readEndpoints } from './endpoint.ts';
import { isTransient } from './error-texts.ts';

export interface ApiRequest {
  /** Completes "Could not ..." in a failure. */
  readonly what: string;
  readonly query?: Pairs;
  readonly form?: Pairs;
  /** In place of a form: the body as it goes out, under its type. */
  readonly body?: NonNullable<Content['body']>;
  readonly limitMs?: number;
}

/** An answer and the base URL of the server that gave it. */
export interface ApiResponse {
  readonly data: unknown;
  readonly endpoint: string;
  certificate(): Buffer | undefined;
}

/** A client of one cluster: it answers successes and throws everything else. */
export interface Api {
  /** `user@realm!name` of the token in use, as tasks name their owner. */
  token(): string;
  /** The cluster's own time in whole seconds, at most one behind; 0 while it has not answered. */
  now(): number;
  send(method: Method, path: string, ask: ApiRequest): Promise<ApiResponse>;
  get(path: string, ask: ApiRequest): Promise<unknown>;
  /** The same connection under another deadline, such as the one for undo. */
  under(deadline: Deadline): Api;
  readonly deadline: Deadline;
}

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Answers that a proxy or a restarting daemon gives; a read may simply be repeated. */
const transient = new Set([502, 503, 504, 596, 599]);
const pausesMs = [100, 300, 900];

export function createApi(
  settings: Connection,
  { deadline, log, suspect }: Pick<Context, 'deadline' | 'log' | 'suspect'>,
): Api {
  const http = createHttp({
    title: 'Proxmox VE',
    endpoints: readEndpoints(settings.url) ?? [],
    tls: {
      verify: settings.verify_tls_certificate,
      fingerprints: settings.tls_fingerprint ?? [],
      ...(settings.ca_file === undefined ? {} : { ca: settings.ca_file }),
    },
    deadline,
    log,
    maxBytes: 64 * 2 ** 20,
    readRetries: 1,
    suspect,
  });
  const known = credentialsOf(settings);
  let current = known[0] as Credentials;
  let aheadMs: number | undefined;

  const authenticated = async (
    method: Method,
    path: string,
    ask: ApiRequest,
    end: Deadline,
  ): Promise<Reply> => {
    const used = current;
    const reply = await send(http, method, path, ask, used, end);
    // By then another request may have been refused as well.
    const next = known[known.indexOf(used) + 1];
    // A refused request was not looked at, so that a change may be sent again as well.
    if (reply.status !== 401 || next === undefined) return reply;
    log('token.next', { level: 'warn', refused: used.id, next: next.id });
    current = next;
    return send(http, method, path, ask, next, end);
  };

  const once = async (
    method: Method,
    path: string,
    ask: ApiRequest,
    end: Deadline,
  ): Promise<ApiResponse> => {
    const reply = await authenticated(method, path, ask, end);
    const date = Date.parse(reply.header('date') ?? '');
    if (!Number.isNaN(date)) aheadMs = date - Date.now();
    if (reply.status !== 200) {
      const { failureOf } = await import('./errors.ts');
      throw failureOf(reply, { what: ask.what, token: current.id });
    }
    return { data: dataOf(reply, ask), endpoint: reply.endpoint, certificate: reply.certificate };
  };

  const under = (end: Deadline): Api => {
    const attempt = (method: Method, path: string, ask: ApiRequest): Promise<ApiResponse> => {
      const policy: RetryPolicy<ApiResponse> = {
        deadline: end,
        doing: `waiting to ${ask.what}`,
        pauseMs: (thrown, turn) => (mayRepeat(method, thrown) ? pausesMs[turn - 1] : undefined),
        onRepeat: (thrown) =>
          log('again', { path, after: expectFailure(thrown).message, level: 'debug' }),
      };
      return retryWhile(policy, () => once(method, path, ask, end));
    };
    return {
      token: () => current.id,
      now: () => (aheadMs === undefined ? 0 : Math.floor((Date.now() + aheadMs) / 1000)),
      send: attempt,
      get: async (path, ask) => (await attempt('GET', path, ask)).data,
      under,
      deadline: end,
    };
  };
  return under(deadline);
}

function mayRepeat(method: Method, thrown: unknown): boolean {
  return isTransient(thrown) || (method === 'GET' && transient.has(statusOf(thrown) ?? 0));
}

function dataOf(reply: Reply, { what }: ApiRequest): unknown {
  const body = reply.json();
  if (typeof body === 'object' && body !== null && 'data' in body) return body.data;
  throw new Failure('upstream', `Could not ${what}: ${reply.endpoint} answered without data`, {
    remote: { status: reply.status },
  });
}

function credentialsOf({
  user,
  token,
  secret,
  token_next,
  secret_next,
}: Connection): Credentials[] {
  const id = (name: string): string => (name.includes('!') ? name : `${user}!${name}`);
  const first = { id: id(token), secret };
  return secret_next === undefined
    ? [first]
    : [first, { id: id(token_next ?? token), secret: secret_next }];
}

function send(
  http: Http,
  method: Method,
  path: string,
  { what: _what, ...ask }: ApiRequest,
  { id, secret }: Credentials,
  deadline: Deadline,
): Promise<Reply> {
  const headers = { authorization: `PVEAPIToken=${id}=${secret}` };
  return http.request(method, `/api2/json${path}`, { ...ask, headers, deadline });
}

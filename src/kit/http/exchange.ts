import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Failure } from '../../failure.ts';
import type { Opening } from './connect.ts';
import { type Attempt, type Sent, transportFailure, where } from './errors.ts';
import type { Expiry } from './expiry.ts';
import { type FirstAnswer, isSilent, silence } from './first-answer.ts';
import type { MiniHeaders } from './globals.ts';
import { type HttpResponse, readResponse } from './response.ts';

/** The parts of a request beside its URL; ofetch hands through what it does not know. */
export interface Init extends Attempt {
  readonly method: string;
  readonly headers: MiniHeaders;
  readonly body?: string | Buffer;
  readonly expiry: Expiry;
  /** How long opening a connection may take. */
  readonly connectMs: number;
  /** Absent once the system has answered, and for a change: its answer is waited for to the end. */
  readonly firstAnswer?: FirstAnswer | undefined;
}

/** Kept connections to servers of one kind, and how a request is made over them. */
export interface Pool {
  readonly agent: Agent;
  request(options: RequestOptions): ClientRequest;
}

/** A request as the pool takes it. */
export interface HttpRequest extends RequestOptions {
  /** Reaches `createConnection`, since an agent hands all options on. */
  readonly opening: Opening;
}

/** One request and its whole answer; fails with what `transportFailure` makes of the trouble. */
export function exchange(
  pool: Pool,
  url: string,
  init: Init,
  maxBytes: number,
): Promise<HttpResponse> {
  const opening: Opening = { endpoint: init.endpoint, limitMs: init.connectMs };
  const startedMs = Date.now();
  let sent: Sent = 'no';
  return new Promise((resolve, reject) => {
    let reading: Promise<HttpResponse> | undefined;
    const sending = begin(pool, orderOf(pool.agent, url, init, opening));
    let waiting: NodeJS.Timeout | undefined;
    const fail = (thrown: unknown): void => {
      release();
      clearTimeout(waiting);
      reject(transportFailure(thrown, init, sent));
      sending.destroy();
      opening.socket?.destroy();
    };
    const release = init.expiry.onEnd(() => fail(timeUp(init, sent, Date.now() - startedMs)));
    sending.on('error', fail);
    sending.once('socket', () => {
      sent = 'maybe';
      waiting = whenSilent(init, fail);
    });
    sending.once('response', (response) => {
      clearTimeout(waiting);
      if (staysOpen(response)) sending.shouldKeepAlive = true;
      reading = readResponse(response, init, maxBytes).finally(() => letGo(sending));
      reading.catch(fail);
    });
    // Only now the agent has the connection back for the next request.
    sending.once('close', () => {
      if (reading === undefined) fail(Object.assign(new Error(), { code: 'ECONNRESET' }));
      else reading.then(resolve).finally(release).catch(fail);
    });
    sending.end(init.body);
  });
}

/** How long the system may take to say that what it was given to send has gone out. */
const writtenMs = 100;

/**
 * A server that answers early and takes no more would keep the connection busy for ever. But an answer may also
 * be read before the system has told that the request is written, and that connection is a good one.
 */
function letGo(sending: ClientRequest): void {
  if (sending.writableFinished) return;
  const timer = setTimeout(() => sending.destroy(), writtenMs);
  sending.once('close', () => clearTimeout(timer));
}

/**
 * A server that relays another's answer may send both Connection headers: its own is the last one,
 * and `close` was between those two. Node would hang up for either.
 */
function staysOpen({ rawHeaders }: IncomingMessage): boolean {
  const values = rawHeaders.filter(
    (_, i, all) => i % 2 === 1 && /^connection$/i.test(all[i - 1] ?? ''),
  );
  return values.length > 1 && /^keep-alive$/i.test(values[values.length - 1] ?? '');
}

/** A header with a line break is the one thing that Node refuses a request for. */
function begin(pool: Pool, request: HttpRequest): ClientRequest {
  try {
    return pool.request(request);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_INVALID_CHAR') throw cause;
    const name = /\["(.*)"\]/.exec(String(cause))?.[1] ?? 'of the request';
    throw new Failure('config', `The header ${name} would hold a character that no header can`, {
      cause,
      advice: 'Look for line breaks and letters beyond Latin 1 in the credentials',
    });
  }
}

function orderOf(agent: Agent, url: string, init: Init, opening: Opening): HttpRequest {
  const { host, port, url: base, prefix } = init.endpoint;
  const headers: Record<string, string> = Object.fromEntries(init.headers);
  const path = prefix + url.slice(base.length);
  return { agent, opening, method: init.method, host, port, path, headers };
}

function timeUp(init: Init, sent: Sent, waitedMs: number): Failure {
  const task = sent === 'no' ? 'connecting to' : 'waiting for';
  const end = sent === 'no' ? '' : ` to answer ${init.what}`;
  const { kind, message } = init.expiry.failure(`${task} ${where(init)}${end}`);
  // A second suffices for any connection: then it is the server, not our own lack of time.
  const connecting = sent === 'no' && waitedMs > 1000;
  const outage = connecting || (init.firstAnswer !== undefined && isSilent(waitedMs));
  return new Failure(kind, message, { outage });
}

function whenSilent(init: Init, fail: (failure: Failure) => void): NodeJS.Timeout | undefined {
  const { firstAnswer } = init;
  if (firstAnswer === undefined || firstAnswer.limitMs === Infinity) return undefined;
  return setTimeout(() => fail(silence(init, firstAnswer)), firstAnswer.limitMs);
}

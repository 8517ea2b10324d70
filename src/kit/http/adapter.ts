import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Failure } from '../../failure.ts';
import { type Connect, certificateOf, connectPlain, connectTls, type Opening } from './connect.ts';
import type { Expiry } from './expiry.ts';
import type { MiniHeaders } from './globals.ts';
import type { Judge } from './tls.ts';
import { type Attempt, type Sent, transportFailure, where } from './trouble.ts';

/** What a request needs beside its URL; ofetch hands through what it does not know. */
export interface Init extends Attempt {
  readonly method: string;
  readonly headers: MiniHeaders;
  readonly body?: string | Buffer;
  readonly expiry: Expiry;
  /** How long opening a connection may take. */
  readonly connectMs: number;
}

/** The whole answer, in the shape that ofetch reads. */
export interface Answer {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, name, value ..., as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  text(): string;
  /** DER of the certificate of the connection that served it. */
  readonly certificate: Buffer | undefined;
}

export interface Adapter {
  /** The answer as a whole, whatever its status; every trouble is a Failure that knows `sent`. */
  fetch(url: string, init: Init): Promise<Answer>;
  close(): void;
}

interface Pool {
  readonly agent: Agent;
  request(options: RequestOptions): ClientRequest;
}

/** A fetch over node:https that keeps its connections; loads its modules with the first request. */
export function createAdapter(judge: Judge, maxBytes: number): Adapter {
  const pools = new Map<boolean, Promise<Pool>>();
  const poolFor = (secure: boolean): Promise<Pool> => {
    const pool = pools.get(secure) ?? (secure ? securePool(judge) : plainPool());
    pools.set(secure, pool);
    return pool;
  };
  return {
    fetch: async (url, init) => exchange(await poolFor(init.endpoint.secure), url, init, maxBytes),
    close() {
      for (const pool of pools.values()) {
        pool.then(({ agent }) => agent.destroy()).catch(() => {});
      }
      pools.clear();
    },
  };
}

async function securePool(judge: Judge): Promise<Pool> {
  const { Agent, request } = await import('node:https');
  return { agent: openedBy(new Agent({ keepAlive: true }), await connectTls(judge)), request };
}

async function plainPool(): Promise<Pool> {
  const { Agent, request } = await import('node:http');
  return { agent: openedBy(new Agent({ keepAlive: true }), await connectPlain()), request };
}

interface Order extends RequestOptions {
  /** Reaches `createConnection`, since an agent hands all options on. */
  readonly opening: Opening;
}

function openedBy(agent: Agent, connect: Connect): Agent {
  return Object.assign(agent, {
    createConnection: ({ opening }: Order, done: Parameters<Connect>[1]) => connect(opening, done),
  });
}

function exchange(pool: Pool, url: string, init: Init, maxBytes: number): Promise<Answer> {
  const opening: Opening = { endpoint: init.endpoint, limitMs: init.connectMs };
  const startedMs = Date.now();
  let sent: Sent = false;
  return new Promise((resolve, reject) => {
    let reading: Promise<Answer> | undefined;
    const sending = begin(pool, orderOf(pool.agent, url, init, opening));
    const fail = (thrown: unknown): void => {
      release();
      reject(transportFailure(thrown, init, sent));
      sending.destroy();
      opening.socket?.destroy();
    };
    const release = init.expiry.onEnd(() => fail(timeUp(init, sent, Date.now() - startedMs)));
    sending.on('error', fail);
    sending.once('socket', () => {
      sent = 'maybe';
    });
    sending.once('response', (response) => {
      if (staysOpen(response)) sending.shouldKeepAlive = true;
      reading = read(response, init, maxBytes).finally(() => letGo(sending));
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
 * Who answers early and takes no more would keep the connection busy for ever. But an answer may also
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

/** A header with a line break is the one thing that an order can be refused for. */
function begin(pool: Pool, order: Order): ClientRequest {
  try {
    return pool.request(order);
  } catch (cause) {
    const name = /\["(.*)"\]/.exec(String(cause))?.[1] ?? 'of the request';
    throw new Failure('config', `The header ${name} would hold a character that no header can`, {
      cause,
      advice: 'Look for line breaks and letters beyond Latin 1 in the credentials',
    });
  }
}

function orderOf(agent: Agent, url: string, init: Init, opening: Opening): Order {
  const { host, port, url: base, prefix } = init.endpoint;
  const headers: Record<string, string> = Object.fromEntries(init.headers);
  if (init.body !== undefined || /^(POST|PUT|PATCH)$/.test(init.method)) {
    headers['content-length'] = String(Buffer.byteLength(init.body ?? ''));
  }
  const path = prefix + url.slice(base.length);
  return { agent, opening, method: init.method, host, port, path, headers };
}

function read(response: IncomingMessage, attempt: Attempt, maxBytes: number): Promise<Answer> {
  // Taken now, since the response lets go of its socket before it ends.
  const certificate = certificateOf(response.socket);
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) reject(tooLarge(attempt, maxBytes));
      else chunks.push(chunk);
    });
    response.once('error', (cause) => reject(brokenOff(attempt, size, cause)));
    response.once('end', () => resolve(answerOf(response, Buffer.concat(chunks), certificate)));
  });
}

function answerOf(
  { statusCode, statusMessage, rawHeaders }: IncomingMessage,
  body: Buffer,
  certificate: Buffer | undefined,
): Answer {
  return {
    status: statusCode ?? 0,
    statusText: statusMessage ?? '',
    rawHeaders,
    body,
    text: () => body.toString('utf8'),
    certificate,
  };
}

function timeUp(init: Init, sent: Sent, waitedMs: number): Failure {
  const task = sent === false ? 'connecting to' : 'waiting for';
  const end = sent === false ? '' : ` to answer ${init.what}`;
  const { kind, message } = init.expiry.failure(`${task} ${where(init)}${end}`);
  // A second suffices for any connection: then it is the server, not our own lack of time.
  return new Failure(kind, message, { outage: sent === false && waitedMs > 1000 });
}

function tooLarge(attempt: Attempt, maxBytes: number): Failure {
  const most = `${Math.round(maxBytes / 1024)} KiB`;
  const text = `${where(attempt)} answered ${attempt.what} with more than ${most}`;
  return new Failure('upstream', text, { facts: { code: 'TOO_LARGE' } });
}

function brokenOff(attempt: Attempt, size: number, cause: unknown): Failure {
  const text = `${where(attempt)} broke off its answer to ${attempt.what} after ${size} bytes`;
  return new Failure('unreachable', text, { cause, facts: { code: 'ECONNRESET' } });
}

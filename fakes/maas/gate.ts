import { createServer as createPlain, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Answer, isRefused, plain, proxyPage } from './answers.ts';

const prefix = '/MAAS/api/2.0';

/** A request as a test may look at it or disturb it. */
export interface Seen {
  /** Counts from 1 over all requests of this gate. */
  readonly count: number;
  readonly method: string;
  readonly path: string;
  readonly op: string;
  readonly query: string;
  readonly body: string;
}

/** An effect on a request instead of, or beside, serving it. */
export type Fault =
  | Answer
  /** The connection ends before anything is done. */
  | 'lost-request'
  /** Everything is done, and the connection ends without an answer. */
  | 'lost-answer'
  /** Nothing is done and nothing is answered. */
  | 'silence';

/** One address of the fake, so that a test can cut off one caller and not another. */
export interface Gate {
  readonly url: string;
  readonly seen: Seen[];
  readonly connections: () => number;
  /** The region is being restarted until the milliseconds are over: the proxy before it answers. */
  restart(ms: number): void;
  disturb(fault: ((request: Seen) => Fault | undefined) | undefined): void;
  /** No request gets through any more, not even on open connections. */
  cut(): void;
}

export interface GateOptions {
  /** PEM; plain http without. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export type Serve = (request: Seen, headers: IncomingMessage['headers']) => Promise<Answer>;

/** Listens on a port of its own and lets `serve` answer what no fault answers. */
export async function openGate(options: GateOptions, serve: Serve, now: () => number) {
  const seen: Seen[] = [];
  let fault: ((request: Seen) => Fault | undefined) | undefined;
  let connections = 0;
  let closed = false;
  let restartedMs = 0;
  const server: Server = options.tls === undefined ? createPlain() : createSecure(options.tls);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', () => {
    connections += 1;
  });
  server.on('request', async (incoming, outgoing) => {
    const body = await readBody(incoming);
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const request: Seen = {
      count: seen.length + 1,
      method: incoming.method ?? '',
      path: url.pathname.startsWith(prefix)
        ? url.pathname.slice(prefix.length)
        : `!${url.pathname}`,
      op: url.searchParams.get('op') ?? '',
      query: url.search,
      body,
    };
    if (closed) return void incoming.socket.destroy();
    seen.push(request);
    const found = fault?.(request);
    if (closed || found === 'lost-request') return void incoming.socket.destroy();
    if (found === 'silence') return;
    const byProxy = proxyAnswer(incoming, performance.now() < restartedMs);
    const answer =
      byProxy ??
      (typeof found === 'object' ? found : await serve(request, incoming.headers).catch(answerOf));
    if (closed || found === 'lost-answer') return void incoming.socket.destroy();
    outgoing.sendDate = false;
    const date = new Date(now()).toUTCString();
    outgoing.writeHead(answer.status, { 'content-type': answer.type, date, ...answer.headers });
    outgoing.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const gate: Gate = {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    connections: () => connections,
    restart(ms) {
      restartedMs = performance.now() + ms;
    },
    disturb(next) {
      fault = next;
    },
    cut() {
      closed = true;
      server.closeAllConnections();
    },
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      closed = true;
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { gate, close };
}

/** The answers of the nginx before MAAS, which hands everything else on. */
function proxyAnswer({ rawHeaders }: IncomingMessage, isDown: boolean): Answer | undefined {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const keys = names.filter((name) => name === 'authorization').length;
  if (keys > 1) return proxyPage(400, 'Bad Request');
  return isDown ? proxyPage(502, 'Bad Gateway') : undefined;
}

function answerOf(thrown: unknown): Answer {
  if (isRefused(thrown)) return thrown.answer;
  return plain(500, `Internal Server Error: ${String(thrown)}`);
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

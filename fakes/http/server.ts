import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer, type SecureVersion } from 'node:tls';
import { type KeyName, readKey } from './keys.ts';

/** A request as it came over the wire. */
export interface Seen {
  readonly method: string;
  /** Path and query, not decoded. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

export interface FakeServer {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  connections(): number;
  /** Bytes of HTTP that arrived, whether they made a request or not. */
  bytes(): number;
  /** Ends when all connections have been closed by the other side. */
  left(): Promise<void>;
  close(): Promise<void>;
}

export interface Place {
  readonly key?: KeyName;
  /** No TLS. */
  readonly plain?: boolean;
  readonly host?: string;
  /** Raw servers only: the newest TLS they speak. */
  readonly maxVersion?: SecureVersion;
}

export type Handler = (seen: Seen, response: ServerResponse) => void;

/**
 * An HTTP server as narrow-minded as pveproxy: a chunked body, or any body with GET, HEAD or
 * DELETE, gets 501.
 */
export function startServer(handle: Handler, place: Place = {}): Promise<FakeServer> {
  const seen: Seen[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = seenOf(request, Buffer.concat(chunks).toString(), numbers.get(request.socket));
      seen.push(one);
      const complaint = complaintAbout(one);
      if (complaint === undefined) return handle(one, response);
      response.writeHead(501, complaint).end();
    });
  };
  const numbers = new WeakMap<Socket, number>();
  const server =
    place.plain === true
      ? createServer(listener)
      : createSecureServer(readKey(place.key ?? 'trusted'), listener);
  return listen(server, place, seen, (socket, number) => numbers.set(socket, number));
}

/** A server that is given each connection, number and all, and speaks a protocol of its own. */
export function startRawServer(
  handle: (socket: Socket, number: number) => void,
  place: Place = {},
): Promise<FakeServer> {
  const versions =
    place.maxVersion === undefined
      ? {}
      : // Versions this old are spoken at this level only.
        { minVersion: 'TLSv1' as const, maxVersion: place.maxVersion, ciphers: 'ALL:@SECLEVEL=0' };
  const server = createTlsServer({ ...readKey(place.key ?? 'trusted'), ...versions });
  return listen(server, place, [], handle);
}

function seenOf(request: IncomingMessage, body: string, connection = 0): Seen {
  const { method = '', url: target = '', headers } = request;
  return { method, target, headers, body, connection };
}

function complaintAbout({ method, headers, body }: Seen): string | undefined {
  if (headers['transfer-encoding'] !== undefined) return 'chunked bodies are not implemented';
  if (headers['accept-encoding'] !== undefined) return 'the client asked for compression';
  const bodiless = method === 'GET' || method === 'HEAD' || method === 'DELETE';
  if (bodiless && headers['content-length'] !== undefined) return `${method} with a body`;
  if (!bodiless && headers['content-length'] !== String(Buffer.byteLength(body))) {
    return 'a body without its length';
  }
  return undefined;
}

async function listen(
  server: Server,
  { plain = false, host = '127.0.0.1' }: Place,
  seen: readonly Seen[],
  welcome: (socket: Socket, number: number) => void,
): Promise<FakeServer> {
  const open = new Set<Socket>();
  // By the client's port: what is encrypted arrives as another socket, in another order.
  const numbers = new Map<number | undefined, number>();
  let connections = 0;
  let bytes = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    numbers.set(socket.remotePort, connections);
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.on(plain ? 'connection' : 'secureConnection', (socket: Socket) => {
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
    };
    socket.on('error', () => {}).on('data', count);
    welcome(socket, numbers.get(socket.remotePort) ?? 0);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${plain ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    seen,
    connections: () => connections,
    bytes: () => bytes,
    async left() {
      for (const socket of open) await new Promise((resolve) => socket.once('close', resolve));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createPlain, type Server, type Socket } from 'node:net';

/** One node's port: TLS, and on plain HTTP the redirection that pveproxy gives. */
export interface Listener {
  readonly port: number;
  /** How many connections were opened so far. */
  connections(): number;
  /** Closes the port and cuts every connection, as when the host goes away. */
  stop(): Promise<void>;
  /** Cuts every connection; the port stays open. */
  cut(): void;
  /** Opens the same port again. */
  start(): Promise<void>;
}

export interface Keys {
  readonly key: string;
  readonly cert: string;
}

type Serve = (request: IncomingMessage, response: ServerResponse, connection: number) => void;

const numbers = new WeakMap<Socket, number>();

export async function listen(keys: Keys, serve: Serve): Promise<Listener> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const secure = createSecure(keys, (request, response) =>
    serve(request, response, numbers.get(request.socket) ?? 0),
  );
  secure.keepAliveTimeout = 0;
  secure.on('secureConnection', (socket: Socket) => numbers.set(socket, opened));
  secure.on('tlsClientError', () => {});
  secure.on('clientError', (_error, socket) => socket.destroy());
  const front = createPlain((socket) => {
    opened += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) => welcome(secure, socket, first));
  });
  const port = await open(front, 0);
  return {
    port,
    connections: () => opened,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    start: async () => void (await open(front, port)),
    stop: () =>
      new Promise((resolve) => {
        front.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function open(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** The first byte of a TLS handshake is 22; anything else is a client that forgot the `s`. */
function welcome(secure: Server, socket: Socket, first: Buffer): void {
  if (first[0] === 22) {
    socket.pause();
    socket.unshift(first);
    secure.emit('connection', socket);
    process.nextTick(() => socket.resume());
    return;
  }
  socket.on('data', (request: Buffer) => socket.write(redirection(request.toString('latin1'))));
  socket.write(redirection(first.toString('latin1')));
}

function redirection(request: string): string {
  const [, path = '/'] = /^[A-Z]+ (\S+)/.exec(request) ?? [];
  const [, host = '127.0.0.1'] = /^host: *(\S+)/im.exec(request) ?? [];
  const lines = [
    'HTTP/1.1 301 Moved Permanently',
    'Cache-Control: max-age=0',
    'Connection: Keep-Alive',
    `Location: https://${host}${path}`,
    'Server: pve-api-daemon/3.0',
    'Content-Length: 17',
  ];
  return `${lines.join('\r\n')}\r\n\r\nMoved Permanently`;
}

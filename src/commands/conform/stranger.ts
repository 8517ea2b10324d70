import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Details } from './payloads.ts';
import { selfSigned } from './self-signed.ts';
import type { Secret } from './transcript.ts';

/** The visits of an executable to a server on this machine that only pretends to be the remote system. */
export interface StrangerVisit {
  /** Connections that were opened, whether TLS went on or not. */
  readonly connections: number;
  /** Requests that were sent although the certificate proves nothing, such as `GET /api`. */
  readonly requests: readonly string[];
  /** Places of the payload whose secret was sent along. */
  readonly secrets: readonly string[];
}

export interface Stranger {
  readonly origin: string;
  visit(): StrangerVisit;
  close(): Promise<void>;
}

/** A program that was started for this request can be seen as long as its connection is held. */
const heldMs = 150;

/** Starts a server on 127.0.0.1 whose certificate is signed by itself. */
export async function startStranger(secrets: readonly Secret[]): Promise<Stranger> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const sent = new Set<string>();
  let connections = 0;
  const secure = createHttpsServer(selfSigned(), (request, response) => {
    requests.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`);
    const note = (text: string): void => {
      for (const { where, value } of secrets) if (text.includes(value)) sent.add(where);
    };
    note(`${request.url} ${JSON.stringify(request.headers)}`);
    request.on('data', (part: Buffer) => note(part.toString('utf8')));
    request.on('end', () => response.end('{}'));
  });
  // A client that refuses the certificate ends the handshake with an error, which is right.
  secure.on('tlsClientError', () => undefined);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    setTimeout(() => secure.emit('connection', socket), heldMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    visit: () => ({ connections, requests, secrets: [...sent] }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const levels = ['extension', 'resourcemap', 'host'] as const;

/** The same details with each https address at another origin; undefined where there is none. */
export function pointedAt(details: Details, origin: string): Details | undefined {
  let changed = false;
  const moved = (values: Details['host']): Details['host'] =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => {
        const there = value.replace(/^https:\/\/[^/?#]+/i, origin);
        changed ||= there !== value;
        return [key, there];
      }),
    );
  const elsewhere = {
    ...details,
    ...Object.fromEntries(levels.map((l) => [l, moved(details[l])])),
  };
  return changed ? elsewhere : undefined;
}

/** The detail by which the operator himself has switched verification off, if there is one. */
export function unverifiedBy(details: Details): string | undefined {
  const all = levels.flatMap((level) => Object.entries(details[level]));
  const found = all.find(([key, value]) =>
    /insecure|skip/i.test(key)
      ? /^(true|yes|on|1)$/i.test(value)
      : /verif|tls|ssl|cert/i.test(key) && /^(false|no|off|none|0)$/i.test(value),
  );
  return found?.[0];
}

import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { readKey } from '../../../fakes/http/keys.ts';
import type { Identity, Server } from './server.ts';

/** The way of one request: a number is a status that the proxy answers by itself. */
export type Way = 'lost-request' | 'lost-answer' | number | undefined;

/** A proxy between Outrigger and the server that loses requests and answers; it knows both clients' keys. */
export interface CuttingProxy {
  readonly url: string;
  disturb(judge: ((method: string, path: string) => Way) | undefined): void;
  /**
   * How long the answer about a task that makes, starts or saves is held back; infinite: such tasks
   * never end. Removing and stopping stay quick.
   */
  holdTasks(ms: number): void;
  close(): Promise<void>;
}

export async function startProxy(genuine: Server): Promise<CuttingProxy> {
  let judge: ((method: string, path: string) => Way) | undefined;
  let heldMs = 0;
  const slow = new Set<string>();
  const identities = [genuine.own, genuine.restricted];
  const server = createServer(
    { ...readKey('trusted'), requestCert: true, rejectUnauthorized: false },
    (incoming, outgoing) => {
      const { method = '', url = '' } = incoming;
      const way = judge?.(method, url);
      if (way === 'lost-request') return void incoming.socket.destroy();
      if (typeof way === 'number') return void outgoing.writeHead(way).end('no such page');
      const identity = identities.find((each) => isOf(each, incoming.socket as TLSSocket));
      if (identity === undefined) return void outgoing.writeHead(403).end();
      const task = /operations\/([^/]+)\/wait/.exec(url)?.[1];
      const isSlow = task !== undefined && slow.has(task);
      if (isSlow && heldMs === Number.POSITIVE_INFINITY) return stillRunning(outgoing, task);
      const begun = (id: string) => void slow.add(id);
      const forwarding = { port: genuine.port, identity, lost: way === 'lost-answer', begun };
      setTimeout(() => forward(forwarding, incoming, outgoing), isSlow ? heldMs : 0);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    disturb: (given) => {
      judge = given;
    },
    holdTasks: (ms) => {
      heldMs = ms;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function stillRunning(outgoing: ServerResponse, id: string): void {
  const metadata = { id, status: 'Running', status_code: 103, err: '' };
  const body = JSON.stringify({ type: 'sync', status_code: 200, metadata });
  setTimeout(() => outgoing.writeHead(200).end(body), 500);
}

function isOf({ cert }: Identity, socket: TLSSocket): boolean {
  return socket.getPeerCertificate().fingerprint256 === new X509Certificate(cert).fingerprint256;
}

interface Forwarding {
  readonly port: number;
  readonly identity: Identity;
  readonly lost: boolean;
  /** Told of each task that makes, starts or saves something. */
  begun(task: string): void;
}

async function forward(
  { port, identity: { cert, key }, lost, begun }: Forwarding,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method, url: path, headers } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const isSlow = method === 'POST' || /"action":"(start|restart)"/.test(body.toString());
  const target = { host: '127.0.0.1', port, path, method, headers, cert, key };
  const onward = request({ ...target, rejectUnauthorized: false }, (answer) => {
    const task = answer.headers.location?.split('/').pop();
    if (isSlow && task !== undefined) begun(task);
    if (lost) {
      answer.resume().on('end', () => incoming.socket.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => incoming.socket.destroy());
  onward.end(body);
}

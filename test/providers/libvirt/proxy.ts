import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { readKey } from '../../../fakes/http/keys.ts';
import {
  createSender,
  createUnframer,
  frame,
  type Message,
  types,
} from '../../../src/providers/libvirt/api/messages.ts';
import {
  changing,
  type Procedure,
  reading,
} from '../../../src/providers/libvirt/api/procedures.ts';
import type { Identities, Identity } from './certificates.ts';

/** The way of one request. */
export type Way = 'lost-request' | 'lost-answer' | 'never' | undefined;

export interface Request {
  readonly procedure: Procedure;
  readonly isChange: boolean;
}

/** A proxy between Outrigger and libvirtd that loses requests and answers; it knows the clients' keys. */
export interface CuttingProxy {
  readonly port: number;
  disturb(judge: ((request: Request) => Way) | undefined): void;
  /** Greets every connection with these bytes and says no more. */
  greetWith(greeting: string | undefined): void;
  /** How long the answer to a request that makes, starts or saves is held back. */
  holdTasks(ms: number): void;
  close(): Promise<void>;
}

const names = new Map<number, Procedure>(
  [...Object.entries(reading), ...Object.entries(changing)].map(([name, number]) => [
    number,
    name as Procedure,
  ]),
);

const tasks: readonly Procedure[] = [
  ...(['define', 'createVolume', 'copyVolume', 'start', 'createSnapshot'] as const),
];

export async function startProxy(to: number, identities: Identities): Promise<CuttingProxy> {
  let judge: ((request: Request) => Way) | undefined;
  let greeting: string | undefined;
  let heldMs = 0;
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { ...readKey('trusted'), requestCert: true, rejectUnauthorized: false },
    (client) => {
      sockets.add(client);
      client.on('error', () => {}).on('close', () => sockets.delete(client));
      if (greeting !== undefined) return void client.end(greeting);
      const identity = [identities.own, identities.other].find((each) => isOf(each, client));
      if (identity === undefined) return void client.destroy();
      forward(client, to, identity, {
        wayOf: (request) => judge?.(request),
        heldMs: () => heldMs,
      });
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    disturb: (given) => {
      judge = given;
    },
    greetWith: (given) => {
      greeting = given;
    },
    holdTasks: (ms) => {
      heldMs = ms;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function isOf({ cert }: Identity, socket: TLSSocket): boolean {
  return socket.getPeerCertificate().fingerprint256 === new X509Certificate(cert).fingerprint256;
}

interface Disturbance {
  wayOf(request: Request): Way;
  heldMs(): number;
}

function forward(
  client: TLSSocket,
  port: number,
  { ca, cert, key }: Identity,
  disturbance: Disturbance,
): void {
  const server = connect({ host: '127.0.0.1', port, ca, cert, key });
  const cut = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) socket.on('error', cut).on('close', cut);
  const send = createSender(server);
  const lost = new Set<number>();
  const held = new Map<number, number>();
  const fromClient = createUnframer();
  client.on('data', (piece) => {
    for (const message of fromClient(piece)) {
      const procedure = names.get(message.procedure);
      if (procedure === undefined || message.type !== types.call) {
        send(message);
        continue;
      }
      const way = disturbance.wayOf({ procedure, isChange: procedure in changing });
      if (way === 'lost-request') return cut();
      if (way === 'never') continue;
      if (way === 'lost-answer') lost.add(message.serial);
      if (tasks.includes(procedure)) held.set(message.serial, disturbance.heldMs());
      send(message);
    }
  });
  const answer = async (message: Message): Promise<void> => {
    if (lost.has(message.serial)) return cut();
    const ms = held.get(message.serial) ?? 0;
    if (ms > 0) await pause(ms);
    client.write(frame(message));
  };
  server.once('data', (first) => {
    // The byte by which libvirtd lets the client in comes alone, before any message.
    client.write(first.subarray(0, 1));
    const fromServer = createUnframer();
    const take = (piece: Buffer): void => {
      for (const message of fromServer(piece)) void answer(message);
    };
    take(first.subarray(1));
    server.on('data', take);
  });
}

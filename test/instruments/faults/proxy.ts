import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { type KeyName, readKey } from '../../../fakes/http/keys.ts';
import { type Message, messagesOf } from './messages.ts';

/** The effect on a connection before its first byte. */
export type Opening = 'reset' | 'silence' | 'garbage' | KeyName;

/** A request on its way. */
export interface Seen extends Message {
  /** Counted from 1 since the plan began, on all connections. */
  readonly number: number;
  /** The same for changing requests; 0 for one that only reads. */
  readonly change: number;
}

/** The operations on one request and its answer. */
export interface Exchange {
  readonly seen: Seen;
  /** Hands the request on and waits for the whole answer; empty when the fake hung up. */
  pass(): Promise<Buffer>;
  /** Ends when the bytes have been taken, and says whether the other side is still there. */
  write(bytes: Buffer | string): Promise<boolean>;
  /** Ends the connection with a reset. */
  reset(): void;
  /** Ends the connection in good order. */
  end(): void;
  /** Never goes on with this connection. */
  hang(): Promise<never>;
}

export type Effect = (exchange: Exchange) => Promise<unknown> | unknown;

export interface Plan {
  opening?(connection: number): Opening | undefined;
  /** `undefined` hands the request on and the answer back. */
  effect?(seen: Seen): Effect | undefined;
}

export interface Target {
  readonly port: number;
  /** Bytes of a request that have to be others for the target, such as the address in it. */
  rewrite?(request: string): string;
  isChange(request: Message): boolean;
}

/** Stands between the built file and a fake, and speaks TLS with both. */
export interface FaultProxy {
  /** An address of this machine that nothing else listens on: a closed port stays closed. */
  readonly address: string;
  readonly port: number;
  /** Everything is counted anew. */
  follow(plan: Plan): void;
  requests(): number;
  changes(): number;
  connections(): number;
  /** Closes the port and cuts every connection. */
  down(): Promise<void>;
  up(): Promise<void>;
  isUp(): boolean;
  close(): Promise<void>;
}

export async function startProxy(target: Target): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const address = nextAddress();
  const count = { requests: 0, changes: 0, connections: 0 };
  let plan: Plan = {};
  const note = (message: Message): Seen => {
    count.requests += 1;
    const isChange = target.isChange(message);
    if (isChange) count.changes += 1;
    return { ...message, number: count.requests, change: isChange ? count.changes : 0 };
  };
  const server = createServer((socket) => {
    count.connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const opening = plan.opening?.(count.connections) ?? 'trusted';
    if (opening === 'reset') socket.resetAndDestroy();
    else if (opening === 'garbage') socket.once('data', () => socket.end(garbage)).resume();
    else if (opening !== 'silence') {
      relay(socket, opening, target, (message) => {
        const seen = note(message);
        return { seen, effect: plan.effect?.(seen) ?? honest };
      });
    }
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(port, address, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  const down = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    address,
    port,
    follow(next) {
      plan = next;
      Object.assign(count, { requests: 0, changes: 0, connections: 0 });
    },
    requests: () => count.requests,
    changes: () => count.changes,
    connections: () => count.connections,
    down,
    up: () => listen(port),
    isUp: () => server.listening,
    close: down,
  };
}

let proxies = 0;

/** The loopback network has more than one address, and no two processes take the same ones. */
function nextAddress(): string {
  proxies += 1;
  const [high, low] = [(process.pid >> 8) & 63, process.pid & 255];
  return `127.${64 + high}.${low}.${1 + (proxies % 250)}`;
}

/** The server on this port speaks no TLS. */
const garbage = Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n');

export const honest: Effect = async ({ pass, write }) => write(await pass());

type Note = (message: Message) => { readonly seen: Seen; readonly effect: Effect };

const contexts = new Map<KeyName, ReturnType<typeof createSecureContext>>();

function contextOf(key: KeyName): ReturnType<typeof createSecureContext> {
  const made = contexts.get(key) ?? createSecureContext(readKey(key));
  contexts.set(key, made);
  return made;
}

/** One connection to the target for each one to us, since a login may belong to its connection. */
function relay(raw: Socket, key: KeyName, target: Target, note: Note): void {
  const near = new TLSSocket(raw, { isServer: true, secureContext: contextOf(key) });
  near.on('error', () => raw.destroy());
  const far = connect({ port: target.port, host: '127.0.0.1', rejectUnauthorized: false });
  far.on('error', () => {}).on('close', () => near.end());
  near.on('close', () => far.destroy());
  const answers = messagesOf(far, 'answers');
  const work = async (): Promise<void> => {
    for await (const message of messagesOf(near, 'requests')) {
      const { seen, effect } = note(message);
      await effect({
        seen,
        async pass() {
          far.write(forTarget(message, target));
          const { value } = await answers.next();
          return value?.all ?? Buffer.alloc(0);
        },
        write: (bytes) =>
          new Promise((resolve) => {
            if (near.destroyed) resolve(false);
            else near.write(bytes, (error) => resolve(error === undefined || error === null));
          }),
        reset: () => void raw.resetAndDestroy(),
        end: () => void near.end(),
        hang: () => new Promise(() => {}),
      });
    }
  };
  work().catch(() => raw.destroy());
}

function forTarget({ all, head, bodyAt }: Message, { rewrite }: Target): Buffer {
  if (rewrite === undefined) return all;
  const body = Buffer.from(rewrite(all.toString('latin1', bodyAt)), 'latin1');
  const length = /^content-length: *\d+/im.test(head);
  const lines = length ? head.replace(/^(content-length: *)\d+/im, `$1${body.length}`) : head;
  return Buffer.concat([Buffer.from(`${rewrite(lines)}\r\n\r\n`, 'latin1'), body]);
}

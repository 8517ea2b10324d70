import type { Socket } from 'node:net';
import type { Deadline } from '../../../contract/context.ts';
import { Failure, reworded } from '../../../failure.ts';
import { type Attempt, transportFailure, where } from '../../../kit/http/errors.ts';
import {
  createSender,
  createUnframer,
  type Message,
  notLibvirt,
  programs,
  statuses,
  types,
} from './messages.ts';

export interface Answer {
  readonly isError: boolean;
  readonly body: Buffer;
}

/** A connection that libvirt has accepted; answers may come in any order. */
export interface Connection {
  readonly isOpen: boolean;
  /**
   * Fails with `unreachable` when the connection ends first, and with `timeout` by the deadline. With a
   * content libvirt takes it as a stream once it has agreed, and the answer is that it has all of it.
   */
  call(procedure: number, body: Buffer, wait: Wait, content?: Buffer): Promise<Answer>;
  close(): void;
}

export interface Wait {
  /** Completes "while waiting for libvirt to ...". */
  readonly what: string;
  readonly deadline: Deadline;
}

interface Pending {
  readonly what: string;
  /** Sends the content of the call when libvirt has agreed to it. */
  goOn?: (() => void) | undefined;
  resolve(answer: Answer): void;
  reject(thrown: unknown): void;
}

/** Waits for the byte by which libvirt accepts the client certificate, then speaks its protocol. */
export async function converse(
  socket: Socket,
  attempt: Attempt,
  deadline: Deadline,
): Promise<Connection> {
  const timer = setTimeout(() => socket.destroy(silent(attempt)), greetingMs);
  const greeting = welcomed(socket, attempt).finally(() => clearTimeout(timer));
  const rest = await deadline.within(greeting, `waiting for ${where(attempt)}`);
  return connectionOver(socket, attempt, rest);
}

/** libvirt greets at once. */
const greetingMs = 5000;

function silent(attempt: Attempt): Failure {
  return new Failure('unreachable', `${where(attempt)} takes connections and says nothing`, {
    remote: { code: 'ETIMEDOUT', sent: 'no' },
    advice: 'Is it libvirt that listens on this port, and is it well?',
  });
}

/** Without this byte libvirt has ended the connection: it does not say why. */
function welcomed(socket: Socket, attempt: Attempt): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void): void => {
      socket.off('data', onData).off('close', onClose).off('error', onError);
      work();
    };
    const onError = (error: Error): void => {
      settle(() => reject(error instanceof Failure ? error : notAccepted(attempt)));
    };
    const onClose = (): void => settle(() => reject(notAccepted(attempt)));
    const onData = (piece: Buffer): void =>
      settle(() => {
        socket.pause();
        if (piece[0] === 1) resolve(piece.subarray(1));
        else reject(notLibvirt());
      });
    socket.on('error', () => {});
    socket.on('data', onData).on('close', onClose).on('error', onError);
  });
}

function notAccepted(attempt: Attempt): Failure {
  return new Failure('denied', `${where(attempt)} does not accept the client certificate`, {
    outage: true,
    remote: { code: 'TLS_CLIENT', sent: 'no' },
    advice:
      'It has to be signed by the ca_file of libvirtd, and its name has to be in tls_allowed_dn_list there; the log of libvirtd has the reason',
  });
}

function connectionOver(socket: Socket, attempt: Attempt, rest: Buffer): Connection {
  const pending = new Map<number, Pending>();
  const unframe = createUnframer();
  let serial = 0;
  let isOpen = true;
  const send = createSender(socket);
  const end = (thrown: unknown): void => {
    isOpen = false;
    socket.destroy();
    for (const { what, reject } of pending.values()) {
      reject(transportFailure(thrown, { ...attempt, what }, 'maybe'));
    }
    pending.clear();
  };
  const take = (message: Message): void => {
    if (message.program === programs.keepalive) send(pong(message));
    if (message.program !== programs.remote || !answers.includes(message.type)) return;
    const { status, body, serial: of } = message;
    const isError = status === statuses.error;
    const call = pending.get(of);
    if (call?.goOn !== undefined && !isError) {
      call.goOn();
      call.goOn = undefined;
    } else {
      call?.resolve({ isError, body });
      pending.delete(of);
    }
  };
  const read = (piece: Buffer): void => {
    try {
      for (const message of unframe(piece)) take(message);
    } catch (thrown) {
      end(thrown);
    }
  };
  socket
    .on('error', end)
    .on('close', () => end(reset()))
    .on('data', read);
  read(rest);
  socket.resume();
  return {
    get isOpen() {
      return isOpen;
    },
    call(procedure, body, { what, deadline }, content) {
      serial += 1;
      const own = serial;
      if (!isOpen) return Promise.reject(transportFailure(reset(), { ...attempt, what }, 'no'));
      return new Promise<Answer>((resolve, reject) => {
        const late = (): void => {
          pending.delete(own);
          reject(unanswered(deadline.failure(`waiting for libvirt to ${what}`)));
        };
        const release = deadline.onEnd(late);
        const settle =
          <T>(done: (value: T) => void) =>
          (value: T): void => {
            release();
            done(value);
          };
        const head = { program: programs.remote, procedure, serial: own };
        const goOn =
          content &&
          (() => {
            for (const part of streamed(content)) send({ ...head, ...part });
          });
        pending.set(own, { what, goOn, resolve: settle(resolve), reject: settle(reject) });
        send({ ...head, type: types.call, status: statuses.ok, body });
      });
    },
    close() {
      isOpen = false;
      socket.destroy();
    },
  };
}

/** The answer to a call, and the one that ends a stream. */
const answers: readonly number[] = [types.reply, types.stream];

/** As much as every release of libvirt takes in one message. */
const partBytes = 64 * 1024;

/** The content in parts, and the word that these were all. */
function streamed(content: Buffer): readonly Pick<Message, 'type' | 'status' | 'body'>[] {
  const { stream: type } = types;
  const count = Math.ceil(content.length / partBytes);
  const parts = Array.from({ length: count }, (_, part) => {
    const body = content.subarray(part * partBytes, (part + 1) * partBytes);
    return { type, status: statuses.continues, body };
  });
  return [...parts, { type, status: statuses.ok, body: Buffer.alloc(0) }];
}

/** A ping is 1 and wants 2; a pong is never answered. */
function pong(ping: Message): Message {
  return { ...ping, procedure: 2, type: types.message, serial: 0, body: Buffer.alloc(0) };
}

function reset(): NodeJS.ErrnoException {
  return Object.assign(new Error('closed'), { code: 'ECONNRESET' });
}

/** libvirt goes on with the call all the same. */
function unanswered(failure: Failure): Failure {
  return reworded(failure, { remote: { ...failure.remote, sent: 'maybe' } });
}

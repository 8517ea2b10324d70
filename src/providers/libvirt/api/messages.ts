import type { Socket } from 'node:net';
import { Failure } from '../../../failure.ts';
import { u32 } from './xdr.ts';

/* The frame of libvirt's messages: a length that counts itself, a header of six numbers, the body. */

/** libvirt's own procedures, and the keepalive that either side may ask of the other. */
export const programs = { remote: 0x20008086, keepalive: 0x6b656570 } as const;

export const types = { call: 0, reply: 1, message: 2, stream: 3 } as const;
export const statuses = { ok: 0, error: 1, continues: 2 } as const;

export interface Message {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly body: Buffer;
}

/** libvirt itself takes none that is larger. */
const largest = 32 * 2 ** 20 + 2 ** 16;
const headerBytes = 28;

export function frame({ program, procedure, type, serial, status, body }: Message): Buffer {
  const numbers = [headerBytes + body.length, program, 1, procedure, type, serial, status];
  return Buffer.concat([...numbers.map(u32), body]);
}

/**
 * Sends messages one after the other, each in a TLS record of its own. libvirtd waits for its socket, and
 * overlooks a second message that came in the record of the first until more arrives: Node puts what is
 * written at once into one record.
 */
export function createSender(socket: Socket): (message: Message) => void {
  const waiting: Buffer[] = [];
  let isBusy = false;
  const next = (): void => {
    const bytes = waiting.shift();
    isBusy = bytes !== undefined;
    if (bytes !== undefined) socket.write(bytes, () => next());
  };
  return (message) => {
    waiting.push(frame(message));
    if (!isBusy) next();
  };
}

/** Puts messages together from the pieces in which they come. */
export function createUnframer(): (piece: Buffer) => readonly Message[] {
  let pieces: Buffer[] = [];
  let length = 0;
  return (piece) => {
    pieces.push(piece);
    length += piece.length;
    const messages: Message[] = [];
    for (let size = sizeOf(pieces, length); size !== undefined; size = sizeOf(pieces, length)) {
      if (size < headerBytes || size > largest) throw notLibvirt();
      if (length < size) break;
      const whole = Buffer.concat(pieces);
      messages.push(unframe(whole.subarray(0, size)));
      pieces = [whole.subarray(size)];
      length -= size;
    }
    return messages;
  };
}

function sizeOf(pieces: Buffer[], length: number): number | undefined {
  if (length < 4) return undefined;
  const [head = Buffer.alloc(0)] = pieces;
  if (head.length < 4) pieces.splice(0, pieces.length, Buffer.concat(pieces));
  return pieces[0]?.readUInt32BE();
}

function unframe(bytes: Buffer): Message {
  const number = (at: number): number => bytes.readUInt32BE(4 * at);
  return {
    ...{ program: number(1), procedure: number(3), type: number(4) },
    ...{ serial: number(5), status: number(6), body: bytes.subarray(headerBytes) },
  };
}

export function notLibvirt(): Failure {
  return new Failure(
    'config',
    'The server at this address does not speak the protocol of libvirt',
    {
      outage: true,
      advice: 'Check the host and the port: libvirtd listens on 16514 for TLS',
    },
  );
}

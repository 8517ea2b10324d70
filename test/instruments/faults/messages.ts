import type { Duplex } from 'node:stream';

/** One HTTP message, byte for byte as it came. */
export interface Message {
  readonly all: Buffer;
  /** Request or status line and headers, without the empty line. */
  readonly head: string;
  /** Where the body begins. */
  readonly bodyAt: number;
}

/** Cuts a connection's bytes into messages; ends with the connection, and never throws. */
export async function* messagesOf(
  stream: Duplex,
  kind: 'requests' | 'answers',
): AsyncGenerator<Message, undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      for (let length = lengthOf(bytes, kind); length !== undefined; ) {
        yield messageIn(bytes.subarray(0, length));
        bytes = bytes.subarray(length);
        length = lengthOf(bytes, kind);
      }
    }
  } catch {
    // A process that was cut off writes nothing more; the other side is told by its own connection.
  }
  if (kind === 'answers' && headEnd(bytes) !== undefined) yield messageIn(bytes);
  return undefined;
}

function messageIn(all: Buffer): Message {
  const end = headEnd(all) ?? all.length;
  return { all, head: all.toString('latin1', 0, end), bodyAt: end + 4 };
}

function headEnd(bytes: Buffer): number | undefined {
  const at = bytes.indexOf('\r\n\r\n');
  return at < 0 ? undefined : at;
}

/** How long the first message is; `undefined` while it is not all there. */
function lengthOf(bytes: Buffer, kind: 'requests' | 'answers'): number | undefined {
  const end = headEnd(bytes);
  if (end === undefined) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const bodyAt = end + 4;
  if (/^HTTP\/1\.1 (1\d\d|204|304)/.test(head)) return bodyAt;
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
  if (length !== undefined) {
    const whole = bodyAt + Number(length);
    return whole <= bytes.length ? whole : undefined;
  }
  if (/^transfer-encoding: *chunked/im.test(head)) return chunkedLength(bytes, bodyAt);
  return kind === 'requests' ? bodyAt : undefined;
}

/** Every chunk says in hexadecimal how long it is; the one of no length is the last. */
function chunkedLength(bytes: Buffer, from: number): number | undefined {
  for (let at = from; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    at = line + 2 + size + 2;
    if (!(at <= bytes.length)) return undefined;
    if (size === 0) return at;
  }
}

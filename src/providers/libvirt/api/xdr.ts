import { Failure } from '../../../failure.ts';

/*
 * XDR (RFC 4506), as far as libvirt's messages need it: everything is a multiple of four bytes, numbers
 * are big-endian, texts and lists carry their length.
 */

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Bytes whose number both sides know. */
export function fixed(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.length))]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), fixed(bytes)]);
}

export function optional(value: string | undefined): Buffer {
  return value === undefined ? u32(0) : Buffer.concat([u32(1), text(value)]);
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}

/** Takes the values of a message one after the other; fails where it ends too early. */
export interface Reader {
  u32(): number;
  i32(): number;
  /** Exact up to 2^53, which is more than any size or address that is read here. */
  u64(): number;
  fixed(length: number): Buffer;
  text(): string;
  optional(): string | undefined;
  list<T>(read: (from: Reader) => T): readonly T[];
}

export function createReader(bytes: Buffer): Reader {
  let at = 0;
  const take = (length: number): Buffer => {
    const end = at + length;
    if (end > bytes.length) throw tooShort();
    const taken = bytes.subarray(at, end);
    at = end + padding(length);
    return taken;
  };
  const reader: Reader = {
    u32: () => take(4).readUInt32BE(),
    i32: () => take(4).readInt32BE(),
    u64: () => Number(take(8).readBigUInt64BE()),
    fixed: take,
    text: () => take(reader.u32()).toString(),
    optional: () => (reader.u32() === 0 ? undefined : reader.text()),
    list(read) {
      const length = reader.u32();
      // An element has at least four bytes: a length beyond them is damage, and no reason to wait.
      if (length > bytes.length / 4) throw tooShort();
      return Array.from({ length }, () => read(reader));
    },
  };
  return reader;
}

function tooShort(): Failure {
  return new Failure('upstream', 'A message of libvirt ends too early');
}

/*
 * The records of ISO 9660 (ECMA-119), of its extension Rock Ridge for names as Linux knows them, and of
 * Joliet for those that Windows shows.
 */

export const sector = 2048;

/** A file or directory with its place in the image. */
export interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly at: number;
  readonly bytes: number;
}

/** The two trees of one image: `plain` has short names and Rock Ridge, `joliet` long ones. */
export type Tree = 'plain' | 'joliet';

/** Always the same time, so that the same data make the same image: midnight of 2020-01-01. */
const recorded = [120, 1, 1, 0, 0, 0, 0];

/** A directory's record of one of its entries, or of itself or its parent under a name of one byte. */
export function directoryRecord(entry: Entry, identifier: Buffer, use: Buffer): Buffer {
  const nameEnd = 33 + identifier.length;
  const padded = nameEnd + (nameEnd % 2);
  const record = Buffer.alloc(padded + use.length + (use.length % 2));
  record[0] = record.length;
  both32(record, 2, entry.at);
  both32(record, 10, entry.bytes);
  Buffer.from(recorded).copy(record, 18);
  record[25] = entry.isDirectory ? 2 : 0;
  both16(record, 28, 1);
  record[32] = identifier.length;
  identifier.copy(record, 33);
  use.copy(record, padded);
  return record;
}

/** Rock Ridge: the real name, and readable by everyone. */
export function rockRidge({ name, isDirectory }: Entry): Buffer {
  const known = Buffer.from(name);
  return Buffer.concat([
    Buffer.from(['N'.charCodeAt(0), 'M'.charCodeAt(0), 5 + known.length, 1, 0]),
    known,
    attributes(isDirectory),
  ]);
}

export function attributes(isDirectory: boolean): Buffer {
  const field = Buffer.alloc(36);
  field.write('PX', 'latin1');
  field.set([36, 1], 2);
  both32(field, 4, isDirectory ? 0o040555 : 0o100444);
  both32(field, 12, isDirectory ? 2 : 1);
  return field;
}

/** In the root's record of itself: here Rock Ridge begins, in this version. */
export function rockRidgeRoot(): Buffer {
  const id = 'RRIP_1991A';
  return Buffer.concat([
    Buffer.from([...Buffer.from('SP'), 7, 1, 0xbe, 0xef, 0]),
    attributes(true),
    Buffer.from([...Buffer.from('ER'), 8 + id.length, 1, id.length, 0, 0, 1]),
    Buffer.from(id),
  ]);
}

/** The path table has a line for each directory; `parent` counts from 1. */
export function pathRecord(
  identifier: Buffer,
  at: number,
  parent: number,
  littleEndian: boolean,
): Buffer {
  const record = Buffer.alloc(8 + identifier.length + (identifier.length % 2));
  record[0] = identifier.length;
  if (littleEndian) {
    record.writeUInt32LE(at, 2);
    record.writeUInt16LE(parent, 6);
  } else {
    record.writeUInt32BE(at, 2);
    record.writeUInt16BE(parent, 6);
  }
  identifier.copy(record, 8);
  return record;
}

/** Numbers that stand in both orders of their bytes. */
export function both32(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt32LE(value, at);
  buffer.writeUInt32BE(value, at + 4);
}

export function both16(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt16LE(value, at);
  buffer.writeUInt16BE(value, at + 2);
}

/** How a tree writes a text. */
export function encoded(tree: Tree, text: string): Buffer {
  return tree === 'plain' ? Buffer.from(text, 'latin1') : Buffer.from(text, 'utf16le').swap16();
}

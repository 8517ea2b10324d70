import { closeSync, openSync, readSync } from 'node:fs';
import { contentAt } from './images.ts';

/** Bits of an entry that say where its cluster is. */
const offsetBits = 0x00ff_ffff_ffff_fe00n;

/**
 * The bytes at the place where the tests write, from a qcow2 file that a guest may be using; `template`
 * where the file has none there, and those of its backing file show.
 */
export function contentOf(path: string): string {
  const file = openSync(path, 'r');
  const read = (at: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, at);
    return bytes;
  };
  try {
    const header = read(0, 72);
    const bits = header.readUInt32BE(20);
    const cluster = 2 ** bits;
    const place = Math.floor(contentAt / cluster);
    const perTable = cluster / 8;
    const entry = (table: number, at: number): number =>
      Number(read(table + 8 * at, 8).readBigUInt64BE() & offsetBits);
    const table = entry(Number(header.readBigUInt64BE(40)), Math.floor(place / perTable));
    const start = table === 0 ? 0 : entry(table, place % perTable);
    return start === 0 ? 'template' : read(start + (contentAt % cluster), 8).toString();
  } finally {
    closeSync(file);
  }
}

/** The bytes of the disk that the file stands for. */
export function sizeOf(path: string): number {
  const bytes = Buffer.alloc(32);
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, 32, 0);
  closeSync(file);
  return Number(bytes.readBigUInt64BE(24));
}

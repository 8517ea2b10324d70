import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { systemCode } from './system-error.ts';

const pieceBytes = 256 * 1024;

/**
 * The lines of a log, the newest first, from the file and from what it was rotated into (`.1`, `.2`
 * and so on up to `keep`); the caller stops when it has enough. No file means no lines.
 *
 * Throws `denied` where the newest file cannot be read.
 */
export function* newestLines(file: string, keep: number): Generator<string> {
  for (let age = 0; age <= keep; age += 1) {
    const fd = open(age === 0 ? file : `${file}.${age}`);
    if (fd === undefined) continue;
    try {
      yield* linesFromEnd(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** Of a regular file only: reading a pipe in its place could take for ever. */
function open(path: string): number | undefined {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    return undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new Failure('denied', `The log ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
      advice: 'It has to belong to the user that CloudStack calls as',
    });
  }
}

/** Piece by piece from the end; a piece is cut between lines, since a letter may be several bytes. */
function* linesFromEnd(fd: number): Generator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for (let end = fstatSync(fd).size; end > 0; ) {
    const start = Math.max(0, end - pieceBytes);
    const piece = Buffer.alloc(end - start);
    const bytes = readSync(fd, piece, 0, piece.length, start);
    const text = Buffer.concat([piece.subarray(0, bytes), rest]);
    const whole = start === 0 ? 0 : text.indexOf('\n') + 1;
    const isWithin = whole === 0 && start > 0;
    rest = isWithin ? text : text.subarray(0, whole);
    end = start;
    if (isWithin) continue;
    for (const line of text.toString('utf8', whole).split('\n').reverse()) {
      if (line !== '') yield line;
    }
  }
}

import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** The bytes that Linux keeps in a pipe until they are read. */
export const pipeBytes = 65_536;

/** The ends of the pipes that a process is started with, and what came out in the end. */
export interface Pipes {
  /** For the child; `afterStart` closes our copies. */
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  afterStart(): void;
  /** Takes the bytes that are in the pipe now, without waiting for a process that still holds the other end. */
  drain(): { readonly output: Buffer; readonly stderr: Buffer };
  close(): void;
  readonly note?: string;
}

/** Three paths at a time at which pipes can be opened; FIFOs where there is a mkfifo. */
export type PipePlaces = () => { readonly paths: readonly string[]; readonly fifos: boolean };

/** Places in a directory, made many at a time where many are wanted: mkfifo is a process. */
export function createPlaces(directory: string, atOnce = 1): PipePlaces {
  let fifos = true;
  let made = 0;
  const spare: string[][] = [];
  return () => {
    if (spare.length === 0) {
      for (let n = 0; n < atOnce; n++) {
        made++;
        spare.push(['stdin', 'stdout', 'stderr'].map((name) => join(directory, `${name}-${made}`)));
      }
      // Node reads its own pipes at once and has no pipe(2); a FIFO behaves the same and waits.
      fifos = fifos && spawnSync('mkfifo', spare.flat(), { stdio: 'ignore' }).status === 0;
    }
    return { paths: spare.shift() ?? [], fifos };
  };
}

/**
 * Real pipes that are read when the process has ended, as CloudStack's are: output that does not
 * fit blocks the writer. Standard error goes into the same pipe unless `apart`.
 */
export function openPipes(places: PipePlaces, { apart = false } = {}): Pipes {
  const { paths, fifos } = places();
  return fifos ? fromFifos(paths, apart) : fromFiles(paths, apart);
}

function fromFifos(paths: readonly string[], apart: boolean): Pipes {
  const [stdinPath = '', stdoutPath = '', stderrPath = ''] = paths;
  // Opened for both so that neither open waits for the other side.
  const feeder = openSync(stdinPath, constants.O_RDWR | constants.O_NONBLOCK);
  const stdin = openSync(stdinPath, constants.O_RDONLY);
  const reader = openSync(stdoutPath, constants.O_RDONLY | constants.O_NONBLOCK);
  const stdout = openSync(stdoutPath, constants.O_WRONLY);
  const errorReader = openSync(stderrPath, constants.O_RDONLY | constants.O_NONBLOCK);
  const errorWriter = openSync(stderrPath, constants.O_WRONLY);
  return {
    stdin,
    stdout,
    stderr: apart ? errorWriter : stdout,
    afterStart: () => closeAll([stdin, stdout, errorWriter]),
    drain: () => ({ output: readAll(reader), stderr: readAll(errorReader) }),
    close: () => closeAll([feeder, reader, errorReader]),
  };
}

function fromFiles(paths: readonly string[], apart: boolean): Pipes {
  const [stdinPath = '', stdoutPath = '', stderrPath = ''] = paths;
  closeSync(openSync(stdinPath, 'w'));
  const stdin = openSync(stdinPath, 'r');
  const stdout = openSync(stdoutPath, 'a+');
  const errorFile = openSync(stderrPath, 'a+');
  return {
    stdin,
    stdout,
    stderr: apart ? errorFile : stdout,
    afterStart: () => closeAll([stdin]),
    drain: () => ({ output: readAll(stdout, 0), stderr: readAll(errorFile, 0) }),
    close: () => closeAll([stdout, errorFile]),
    note: 'mkfifo is missing, so files stood in for the pipes: standard input was empty instead of open, and output beyond 64 KiB is judged by its size instead of hanging',
  };
}

/** From the start of a file, or from a pipe until it is empty or at its end. */
function readAll(fd: number, start?: number): Buffer {
  const parts: Buffer[] = [];
  for (let position = start; ; ) {
    const part = Buffer.alloc(pipeBytes);
    const got = readSome(fd, part, position);
    if (got === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, got));
    if (position !== undefined) position += got;
  }
}

function readSome(fd: number, into: Buffer, position: number | undefined): number {
  try {
    return readSync(fd, into, 0, into.length, position ?? null);
  } catch (thrown) {
    // Empty for now, since a background child still holds the other end.
    if ((thrown as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw thrown;
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}

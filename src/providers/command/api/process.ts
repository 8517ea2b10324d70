import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Deadline } from '../../../contract/context.ts';
import { systemCode } from '../../../kit/system-error.ts';

/** One run of a driver, as the process saw it end. */
export interface Ended {
  readonly how: 'exit' | 'deadline' | 'too-long' | 'held' | 'not-started';
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** The error of the operating system, for a file that could not be started. */
  readonly code?: string;
}

export interface Start {
  readonly path: string;
  readonly word: string;
  /** The request, for standard input; secrets stand nowhere else. */
  readonly input: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly deadline: Deadline;
}

const mostOutput = 8 * 1024 * 1024;
const mostErrors = 64 * 1024;
/** How long a pipe may stay open after the driver has ended. */
const heldMs = 1_500;
/** How long the process waits for a killed driver to be gone. */
const reapMs = 1_000;

const basicEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
} as const;

/**
 * Runs the driver without any shell, in a process group of its own that is killed at the deadline,
 * so that no child of it goes on working after CloudStack has had its answer.
 */
export function runProcess(start: Start): Promise<Ended> {
  return new Promise((resolve) => {
    const { path, word, input, environment, deadline } = start;
    const child = spawn(path, [word], {
      cwd: '/',
      detached: true,
      env: { ...basicEnvironment, ...environment },
      stdio: 'pipe',
    });
    watch(child, deadline, resolve);
    // A driver that reads nothing closes its end: its answer decides, not the broken pipe.
    child.stdin.on('error', (error) => void systemCode(error));
    child.stdin.end(input);
  });
}

function watch(
  child: ChildProcessWithoutNullStreams,
  deadline: Deadline,
  resolve: (ended: Ended) => void,
): void {
  const out = collect(child.stdout, mostOutput, () => end('too-long'));
  const err = collect(child.stderr, mostErrors, () => {});
  let over: Ended['how'] | undefined;
  let waiting: NodeJS.Timeout | undefined;
  let settled = false;
  const settle = (how: Ended['how'], code?: string): void => {
    settled = true;
    clearTimeout(waiting);
    release();
    child.stdout.destroy();
    child.stderr.destroy();
    const { exitCode, signalCode: signal } = child;
    const texts = { stdout: out(), stderr: err() };
    resolve({ how, exitCode, signal, ...texts, ...(code === undefined ? {} : { code }) });
  };
  const end = (how: 'deadline' | 'too-long' | 'held'): void => {
    if (over !== undefined || settled) return;
    over = how;
    killGroup(child);
    clearTimeout(waiting);
    waiting = setTimeout(() => settle(how), reapMs);
    if (how === 'held' || child.exitCode !== null || child.signalCode !== null) settle(how);
  };
  const release = deadline.onEnd(() => end('deadline'));
  child.on('error', (error: NodeJS.ErrnoException) => settle('not-started', error.code ?? 'EIO'));
  child.on('exit', () => {
    if (over !== undefined) settle(over);
    // A busy process may find the timer and the end of the pipe due at once: the pipe is read first.
    else waiting = setTimeout(() => setImmediate(() => setImmediate(end, 'held')), heldMs);
  });
  child.on('close', () => {
    if (over === undefined) settle('exit');
  });
}

/** Keeps the beginning of what a stream brings, and calls once when there is more. */
function collect(stream: NodeJS.ReadableStream, most: number, onMore: () => void): () => Buffer {
  const pieces: Buffer[] = [];
  let size = 0;
  stream.on('data', (piece: Buffer) => {
    const before = size;
    size += piece.length;
    if (before < most) pieces.push(piece.subarray(0, most - before));
    if (before <= most && size > most) onMore();
  });
  return () => Buffer.concat(pieces);
}

/** Its children too, as far as they have not left the group. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // All of them have ended by themselves.
    systemCode(error);
  }
}

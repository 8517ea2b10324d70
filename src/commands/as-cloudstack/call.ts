import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { withTempDir } from '../temp-dir.ts';
import { entryPointProblem } from './entry-point.ts';
import { writePayload } from './payload-file.ts';
import { createPlaces, openPipes, type PipePlaces, type Pipes } from './pipes.ts';
import { type End, inCloudStacksWords, notConfigured, type Raw } from './raw.ts';

export interface CallAsCloudStack {
  /** Absolute path. */
  readonly executable: string;
  readonly action: string;
  /** The path of a payload file, or an object that is written to one for the call. */
  readonly payload: string | object;
  readonly timeoutSeconds: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard error goes into `stderr`, which CloudStack never does; to find out who printed it. */
  readonly errorsApart?: boolean;
  /** A command that ends by executing its own arguments, such as `['nice']`; for experiments. */
  readonly through?: readonly string[];
  /** Where to open the pipes, for a caller that makes many calls. */
  readonly places?: PipePlaces;
  /** Told the process that was started. */
  onStart?(pid: number): void;
}

/**
 * Runs an executable as CloudStack does: three arguments, standard output and error in one pipe
 * that is read when the process has ended, standard input open and silent, SIGKILL for the process
 * alone at the time-out.
 */
export function callAsCloudStack(call: CallAsCloudStack): Promise<Raw> {
  return withTempDir(async (directory) => {
    const { payload } = call;
    const path = typeof payload === 'string' ? payload : writePayload(directory, payload);
    const command = [call.executable, call.action, path, String(call.timeoutSeconds)];
    const problem = entryPointProblem(call.executable);
    if (problem !== undefined) return notConfigured(command, problem);
    const places = call.places ?? createPlaces(directory);
    const pipes = openPipes(places, { apart: call.errorsApart ?? false });
    try {
      const run = await runToItsEnd(call, command, pipes);
      return { ...run, payloadLeft: existsSync(path) };
    } finally {
      pipes.close();
    }
  });
}

async function runToItsEnd(
  call: CallAsCloudStack,
  command: readonly string[],
  pipes: Pipes,
): Promise<Omit<Raw, 'payloadLeft'>> {
  const startedMs = performance.now();
  const child = begin(call, command, pipes);
  pipes.afterStart();
  if (!(child instanceof Error) && child.pid !== undefined) call.onStart?.(child.pid);
  const end =
    child instanceof Error ? notStarted(child) : await ended(child, call.timeoutSeconds * 1000);
  const durationMs = performance.now() - startedMs;
  const { output, stderr } = pipes.drain();
  return {
    command,
    ...inCloudStacksWords(end, output, pipes.note !== undefined),
    output: output.toString('utf8'),
    stderr: stderr.toString('utf8'),
    bytes: output.length,
    durationMs,
    notes: [pipes.note, end.error?.message].filter((note): note is string => note !== undefined),
  };
}

function begin(
  call: CallAsCloudStack,
  command: readonly string[],
  pipes: Pipes,
): ChildProcess | Error {
  const [file = '', ...args] = [...(call.through ?? []), ...command];
  try {
    return spawn(file, args, {
      stdio: [pipes.stdin, pipes.stdout, pipes.stderr],
      env: { ...(call.env ?? process.env) },
      ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    });
  } catch (thrown) {
    // Some start errors are thrown, the others come as an event.
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

function notStarted(error: Error): End {
  return { exitCode: null, signal: null, killed: false, error };
}

function ended(child: ChildProcess, timeoutMs: number): Promise<End> {
  return new Promise((resolve) => {
    let killed = false;
    const timer = setTimeout(
      () => {
        killed = child.kill('SIGKILL');
      },
      Math.min(timeoutMs, 0x7fffffff),
    );
    // Without this process the executable would have no time-out.
    const abandon = (): void => void child.kill('SIGKILL');
    process.once('exit', abandon);
    const finish = (end: Omit<End, 'killed'>): void => {
      clearTimeout(timer);
      process.off('exit', abandon);
      resolve({ ...end, killed: killed && end.signal === 'SIGKILL' });
    };
    child.once('error', (error) => finish({ exitCode: null, signal: null, error }));
    // Not `close`: a background child that keeps the pipe does not hold CloudStack up.
    child.once('exit', (exitCode, signal) => finish({ exitCode, signal }));
  });
}

import { spawn } from 'node:child_process';
import type { Deadline } from '../../contract/context.ts';
import { Failure } from '../../failure.ts';
import { shellWord } from '../terminal.ts';

const mostBytes = 512 * 1024 * 1024;

/** The text of the log on another server, through ssh; nothing but sh and gzip is needed there. */
export async function fetchLog(
  host: string,
  file: string,
  sshOptions: readonly string[],
  { deadline, env }: { readonly deadline: Deadline; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@:[\]-]*$/.test(host)) {
    throw new Failure('usage', `"${host}" is not a host: it has to be [user@]server`);
  }
  const options = sshOptions.flatMap((option) => ['-o', option]);
  const args = ['-o', 'BatchMode=yes', ...options, '--', host, remoteCommand(file)];
  const child = spawn('ssh', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let why = '';
  const stop = (reason: string): void => {
    why = reason;
    child.kill('SIGTERM');
  };
  const release = deadline.onEnd(() => stop('the time is up'));
  try {
    const { code, output, errors } = await ended(child, stop);
    if (code === 0) return output;
    const said = why || errors.trim().split('\n').slice(-1)[0] || code;
    throw new Failure('unreachable', `The log of ${host} could not be fetched: ${said}`, {
      advice: `Try: ssh ${host} true; the account there has to be able to read ${file}`,
    });
  } finally {
    release();
  }
}

/** Every server keeps its log in the same place; one that has none says nothing. */
function remoteCommand(file: string): string {
  const path = shellWord(file);
  return `for f in ${path} ${path}[.-][0-9]*; do test -e "$f" || continue; case $f in *.gz) gzip -dc "$f";; *) cat "$f";; esac || exit 1; echo; done`;
}

interface End {
  readonly code: number | string;
  readonly output: string;
  readonly errors: string;
}

function ended(child: ReturnType<typeof spawn>, stop: (reason: string) => void): Promise<End> {
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostBytes) stop('it is larger than 512 MiB');
      else output.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new Failure('config', `ssh cannot be started (${cause.code})`, { cause })),
    );
    child.once('close', (code, signal) =>
      resolve({
        code: code ?? signal ?? 'unknown',
        output: Buffer.concat(output).toString('utf8'),
        errors: Buffer.concat(errors).toString('utf8'),
      }),
    );
  });
}

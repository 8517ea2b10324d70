import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { serviceEnv } from '../../support/spawned.ts';

/** How a process ended, as CloudStack sees it and a little more. */
export interface Ended {
  readonly pid: number;
  /** Standard output and standard error in one. */
  readonly output: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly tookMs: number;
  /** It did not end by itself before the time-out. */
  readonly late: boolean;
}

export interface Started {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export interface Start {
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  readonly env: Readonly<Record<string, string>>;
  /** For its output; another one than what it may write to. */
  readonly folder: string;
}

/** Starts the file itself, and kills it at the time-out as CloudStack does. */
export function start({ command, timeoutSeconds, env, folder }: Start): Started {
  const own = mkdtempSync(join(folder, 'call-'));
  const fd = openSync(join(own, 'output'), 'w+');
  const startedAt = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['pipe', fd, fd],
    env: { ...serviceEnv(), ...env },
    cwd: '/',
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutSeconds * 1000);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => {
      clearTimeout(timer);
      child.stdin?.destroy();
      const tookMs = Math.round(performance.now() - startedAt);
      const output = readFileSync(join(own, 'output'), 'utf8');
      closeSync(fd);
      rmSync(own, { recursive: true, force: true });
      resolve({
        pid: child.pid ?? 0,
        output,
        exitCode,
        signal,
        tookMs,
        late: late && signal === 'SIGKILL',
      });
    });
  });
  return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), ended };
}

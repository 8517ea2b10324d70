import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemCode } from '../../../src/kit/system-error.ts';
import type { Ended, Start } from '../../../src/providers/command/api/process.ts';

/** Runs of one driver, each in a process of its own that need not read Python's libraries anew. */
export interface Forks {
  run(start: Pick<Start, 'word' | 'input' | 'deadline'>): Promise<Ended>;
  close(): void;
}

/** Starts the process that forks. */
export async function forksOf(driver: string): Promise<Forks> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-forks-'));
  const path = join(folder, 'socket');
  const words = ['-ES', 'test/providers/command/forks.py', driver, path];
  const server = spawn('/usr/bin/python3', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  return {
    run: (start) => run(path, start),
    close() {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function run(
  path: string,
  { word, input, deadline }: Pick<Start, 'word' | 'input' | 'deadline'>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let pid: number | undefined;
    const release = deadline.onEnd(() => {
      if (pid !== undefined) killGroup(pid);
      socket.destroy();
      resolve({ ...killed, how: 'deadline' });
    });
    createInterface({ input: socket })
      .on('line', (line) => {
        if (pid === undefined) {
          pid = Number(line);
          return;
        }
        release();
        const [exitCode, stdout, stderr] = JSON.parse(line) as [number, string, string];
        const texts = { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
        resolve({ how: 'exit', exitCode, signal: null, ...texts });
      })
      .on('close', () => resolve(killed));
    socket.on('error', reject).write(`${JSON.stringify([word, input])}\n`);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    systemCode(error);
  }
}

/** A driver that was killed, or whose answer got lost. */
export const killed: Ended = {
  ...{ how: 'exit', exitCode: null, signal: 'SIGKILL' },
  ...{ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) },
};

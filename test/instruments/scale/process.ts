import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type KillSignal = 'SIGKILL' | 'SIGTERM';

/** One call: a process of the built file, and how it may be disturbed. */
export interface Order {
  readonly file: string;
  readonly action: string;
  readonly payloadFile: string;
  readonly timeoutSeconds: number;
  readonly env: Readonly<Record<string, string>>;
  /** Sent so many milliseconds after the start. */
  readonly death?: { readonly signal: KillSignal; readonly afterMs: number };
}

/** How it ended, with what CloudStack gets to read: both streams in one. */
export interface Ended {
  readonly action: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
  readonly ms: number;
  /** The signal that really reached it. */
  readonly sent: KillSignal | undefined;
  /** Still running when CloudStack's patience was at its end. */
  readonly late: boolean;
}

/** Runs the file as CloudStack does: three arguments, one pipe, and SIGKILL at the time-out. */
export async function runProcess(order: Order): Promise<Ended> {
  const { file, action, payloadFile, timeoutSeconds, env, death } = order;
  const begunMs = performance.now();
  const child = spawn(file, [action, payloadFile, String(timeoutSeconds)], {
    env,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  let sent: KillSignal | undefined;
  let late = false;
  const timers = [
    setTimeout(() => {
      late = child.kill('SIGKILL');
    }, timeoutSeconds * 1000),
  ];
  if (death !== undefined) {
    const strike = (): void => {
      if (child.kill(death.signal)) sent = death.signal;
    };
    timers.push(setTimeout(strike, death.afterMs));
  }
  const [exitCode, signal] = await once(child, 'close');
  for (const timer of timers) clearTimeout(timer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { action, exitCode, signal, text, ms: performance.now() - begunMs, sent, late };
}

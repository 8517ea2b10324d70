import { readdirSync, readFileSync } from 'node:fs';
import type { Survivor } from './transcript.ts';

/** The environment variable by which processes that a call left behind are known again. */
export const traceVariable = 'OUTRIGGER_CONFORM';

/** Running processes that carry the trace in their environment; none where there is no /proc. */
export function processesWith(trace: string): Survivor[] {
  const entry = `${traceVariable}=${trace}`;
  return processIds().flatMap((pid) => {
    if (!readProc(pid, 'environ').split('\0').includes(entry)) return [];
    const command = readProc(pid, 'cmdline').split('\0').join(' ').trim();
    return command === '' ? [] : [{ pid, command }];
  });
}

/** Ends what is still there and still carries the trace. */
export function endProcessesWith(trace: string): void {
  for (const { pid } of processesWith(trace)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** A file of a process in /proc; empty for another user's process and for one that is gone. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid);
  } catch {
    return [];
  }
}

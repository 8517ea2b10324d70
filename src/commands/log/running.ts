import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Call } from './line.ts';

/** Whether the call is still at work on this server; of the others' processes nobody knows here. */
export function isRunning({ end, lines }: Call): boolean {
  const last = lines[lines.length - 1];
  if (end !== undefined || last === undefined || last.host !== hostname()) return false;
  const { pid } = last.facts;
  return Number.isInteger(pid) && wordsOf(pid as number).includes(last.action);
}

/** With what a process was started: an id alone may be another's by now. */
function wordsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Failure } from '../../failure.ts';
import type { Call, Line } from './line.ts';

/** The part of the log that the operator wants. */
export interface Selection {
  /** UUID or instance name. */
  readonly vm?: string;
  readonly ref?: string;
  readonly sinceMs?: number;
  readonly failed: boolean;
}

/** The calls that are wanted, whole: what a call did before it knew its instance is part of it. */
export function select(calls: readonly Call[], selection: Selection): readonly Call[] {
  const uuids = uuidsOf(calls, selection.vm);
  return calls.filter(
    (call) =>
      call.lines.some((line) => isRecent(line, selection.sinceMs)) &&
      (selection.vm === undefined || call.lines.some((line) => isAbout(line, uuids))) &&
      (selection.ref === undefined || call.lines.some(({ ref }) => ref === selection.ref)) &&
      (!selection.failed || hasFailed(call)),
  );
}

/** A call that has no end and does not run was killed, which CloudStack does at the time-out. */
export function hasFailed(call: Call): boolean {
  const { end, lines } = call;
  if (end !== undefined) return end.outcome !== 'success';
  return lines.some((line) => line.call !== '') && !isRunning(call);
}

function isRecent({ time }: Line, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(time) >= sinceMs;
}

function isAbout({ vm, name }: Line, wanted: ReadonlySet<string>): boolean {
  return wanted.has(vm.toLowerCase()) || wanted.has(name.toLowerCase());
}

/** The instance by its UUID and its name, whichever was given: some lines know only one of them. */
function uuidsOf(calls: readonly Call[], vm: string | undefined): ReadonlySet<string> {
  if (vm === undefined) return new Set();
  const wanted = new Set([vm.toLowerCase()]);
  for (const { lines } of calls) {
    for (const line of lines) {
      // By name only from the name given: names are used again by other CloudStacks.
      if (line.name.toLowerCase() === vm.toLowerCase() && line.vm !== '') {
        wanted.add(line.vm.toLowerCase());
      }
    }
  }
  wanted.delete('');
  return wanted;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `2h`, `30m`, `7d`, or a time such as 2026-11-24 or 2026-11-24T10:00:00Z. */
export function readSince(text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (units[unit] ?? 1) * 1000;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new Failure(
    'usage',
    `--since must be like 30m, 2h, 7d or 2026-11-24T10:00:00Z, not "${text}"`,
  );
}

/** Whether the process of the call still runs on this server; processes of other servers cannot be seen. */
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

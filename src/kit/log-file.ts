import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Log } from '../contract/context.ts';
import { type Level, levels } from './log.ts';
import type { Redactor } from './redact.ts';

export interface LogFile {
  readonly file: string;
  readonly level: Level;
  /** False for a user whose file the service could not write later. */
  readonly mayCreate: boolean;
  /** Past this size the file becomes `.1`, the one before `.2` and so on. */
  readonly mostBytes: number;
  readonly keep: number;
}

const longestLine = 16_000;

/**
 * A log of JSON lines in a file that several processes write to at once and that rotates by size.
 *
 * Never throws: a line that cannot be written is lost. `facts` go into every line and are called
 * only when one is written.
 */
export function createFileLog(
  place: LogFile,
  facts: () => Readonly<Record<string, unknown>>,
  time: () => Date,
  redactor: () => Redactor,
): Log {
  let fd: number | undefined;
  return (event, { level = 'info', ...more } = {}) => {
    if (levels.indexOf(level as Level) < levels.indexOf(place.level)) return;
    try {
      const line = { time: time().toISOString(), level, event, ...facts(), ...more };
      fd ??= open(place, time().getTime());
      if (fd !== undefined) append(fd, line, redactor());
    } catch {
      // A full disk or a missing right must not fail the call that is logged.
    }
  };
}

function append(fd: number, line: Readonly<Record<string, unknown>>, redactor: Redactor): void {
  const text = toLine(redactor.value(line));
  // One write each: lines of several processes never mix in a file opened for appending.
  writeSync(fd, `${text}\n`);
}

function toLine(line: unknown): string {
  const text = JSON.stringify(line);
  if (text.length <= longestLine) return escapeControls(text);
  const { time, level, event, ref } = line as Record<string, unknown>;
  const start = text.slice(0, longestLine / 2);
  return escapeControls(JSON.stringify({ time, level, event, ref, shortened: start }));
}

// JSON does not escape these; a terminal may obey them, and a log reader may end the line there.
function escapeControls(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function open(place: LogFile, nowMs: number): number | undefined {
  const fd = tryOpen(place);
  if (fd === undefined || fstatSync(fd).size < place.mostBytes) return fd;
  if (!place.mayCreate || !rotate(place, nowMs)) return fd;
  closeSync(fd);
  return tryOpen(place);
}

/** Creates no folder, and writes to regular files only. */
function tryOpen({ file, mayCreate }: LogFile): number | undefined {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  // Without O_NONBLOCK, opening a pipe in the file's place would block this process.
  const flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | (mayCreate ? O_CREAT : 0);
  const fd = openSync(file, flags, 0o640);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return undefined;
}

/** The process that makes the lock directory rotates; any other goes on in the file it has. */
function rotate(place: LogFile, nowMs: number): boolean {
  const lock = `${place.file}.rotating`;
  try {
    if (!isMade(lock)) dropStale(lock, nowMs);
    else if (moveOn(place, lock)) return true;
  } catch {
    // An oversized log is better than none.
  }
  return false;
}

function isMade(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}

function moveOn({ file, mostBytes, keep }: LogFile, lock: string): boolean {
  try {
    // Another process may have rotated it in the meantime.
    if ((sizeOf(file) ?? 0) < mostBytes) return true;
    for (let age = keep - 1; age >= 1; age -= 1) {
      const older = `${file}.${age}`;
      if (sizeOf(older) !== undefined) renameSync(older, `${file}.${age + 1}`);
    }
    renameSync(file, `${file}.1`);
    return true;
  } finally {
    rmdirSync(lock);
  }
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

// A process that was killed while it rotated must not stop rotation for ever.
function dropStale(lock: string, nowMs: number): void {
  const found = statSync(lock, { throwIfNoEntry: false });
  if (found !== undefined && Math.abs(nowMs - found.mtimeMs) > 60_000) rmdirSync(lock);
}

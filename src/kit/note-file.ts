import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/*
 * The memory on disk that one call leaves for the next calls on this machine. It serves the memo of
 * failures, a provider's note of when it last changed something, and a provider's list of machines
 * that a later report has to look at again. An error of the file system reaches the caller, who alone
 * knows whether a note that cannot be read counts as "nothing" or as "anything may be true".
 */

/** The text of a note and its age; the age is negative when the clock was set back since. */
export interface Note {
  readonly text: string;
  readonly ageMs: number;
}

/** The note at `path`, or `undefined` when there is none; throws what the file system throws. */
export function readNote(path: string, nowMs: number): Note | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const ageMs = nowMs - found.mtimeMs;
  if (found.size === 0) return { text: '', ageMs };
  try {
    return { text: readFileSync(path, 'utf8'), ageMs };
  } catch (error) {
    // Another process has removed the note since the look at its age.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes a note that only this user can read, in a directory that is there already.
 *
 * Another process reads the old text or the new one, never a part; throws what the file system throws.
 */
export function writeNote(path: string, text: string): void {
  const draft = `${path}.${Math.random().toString(36).slice(2)}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Removes a note; does nothing when there is none. */
export function removeNote(path: string): void {
  rmSync(path, { force: true });
}

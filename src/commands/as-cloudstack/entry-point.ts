import { accessSync, constants, type Stats, statSync } from 'node:fs';

/**
 * The reason for which CloudStack refuses an entry point, if there is one. CloudStack looks before
 * every call: the entry point has to be there, a regular file (a link to one will do), readable and executable.
 */
export function entryPointProblem(executable: string): string | undefined {
  const found = look(executable);
  if (found === 'hidden') return 'this user may not enter a directory above it';
  if (found === undefined) return 'it does not exist';
  if (!found.isFile()) return 'it is not a regular file';
  if (!allows(executable, constants.R_OK)) return 'it is not readable for this user';
  if (!allows(executable, constants.X_OK)) return 'it is not executable for this user';
  return undefined;
}

function look(path: string): Stats | undefined | 'hidden' {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return 'hidden';
  }
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

import { lstatSync, mkdirSync } from 'node:fs';
import { Failure } from '../failure.ts';

/**
 * A directory that only this user can look into, made when it is not there.
 *
 * `setting` names, for the error, what says where it may be.
 */
export function makeStateDirectory(path: string, uid: number, setting: string): string {
  const refuse = (why: string, cause?: unknown): Failure =>
    new Failure('config', `Cannot keep state in ${path}: ${why}`, {
      cause,
      advice: `Set ${setting} to a directory that this user can write to`,
    });
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse((error as NodeJS.ErrnoException).code ?? 'it cannot be made', error);
  }
  const found = lstatSync(path);
  if (!found.isDirectory()) throw refuse('it is not a directory');
  if (found.uid !== uid) throw refuse('it belongs to another user');
  if ((found.mode & 0o077) !== 0) throw refuse('others may look into it (its mode must be 0700)');
  return path;
}

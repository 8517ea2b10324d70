import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../failure.ts';

/**
 * A directory that only this user can look into, made when it is not there; not by root where the
 * folder above is another user's, who could not use it then.
 *
 * `setting` names, for the error, what says where it may be.
 */
export function makeStateDirectory(path: string, uid: number, setting: string): string {
  const refuse = (why: string, cause?: unknown): Failure =>
    new Failure('config', `Cannot keep state in ${path}: ${why}`, {
      cause,
      advice: `Set ${setting} to a directory that this user can write to`,
    });
  if (uid === 0 && ownerOf(path) !== 0) {
    throw new Failure('config', `Cannot keep state in ${path}: it is for another user than root`, {
      advice: 'Call as that user, as with: sudo -u cloud',
    });
  }
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

/** The owner of the path, or of the nearest folder above while the path is missing. */
function ownerOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.uid ?? ownerOf(dirname(path));
}

import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../failure.ts';
import { systemCode } from './system-error.ts';

/**
 * A directory that only this user can read, made when it is missing.
 *
 * Root makes none below a folder of another user, who could not use it. `setting` names, for the
 * error, the setting that moves it.
 */
export function makeStateDirectory(path: string, uid: number, setting: string): string {
  const refuse = (why: string, cause?: unknown): Failure =>
    new Failure('config', `Cannot keep state in ${path}: ${why}`, {
      cause,
      advice: `Set ${setting} to a directory that this user can write to`,
    });
  if (uid === 0 && ownerOf(path) !== 0) {
    throw new Failure('config', `Cannot keep state in ${path}: it is for a user other than root`, {
      advice: 'Run this as that user, for example with: sudo -u cloud',
    });
  }
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse(systemCode(error), error);
  }
  const found = lstatSync(path);
  if (!found.isDirectory()) throw refuse('it is not a directory');
  if (found.uid !== uid) throw refuse('it belongs to another user');
  if ((found.mode & 0o077) !== 0) throw refuse('other users may read it (its mode must be 0700)');
  return path;
}

/** The owner of the path, or of the nearest folder above that exists. */
function ownerOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.uid ?? ownerOf(dirname(path));
}

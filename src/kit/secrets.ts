import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { systemCode } from './system-error.ts';

const largest = 64 * 1024;
const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The content of a file in the secrets directory, without the line break at its end.
 *
 * `name` is a bare file name. Refuses links, files that other users can read or write, and files or
 * a directory that root does not own, since the content is sent to a remote system.
 */
export function readSecretFile(directory: string, name: string): string {
  const path = `${directory}/${name}`;
  const refuse = (why: string, cause?: unknown): Failure =>
    new Failure('config', `Cannot use the secret file ${path}: ${why}`, {
      cause,
      advice: `Run: chown root:cloud ${path}; chmod 640 ${path}`,
    });
  if (!fileName.test(name)) {
    throw new Failure('config', `"${name}" is not the bare name of a file in ${directory}`);
  }
  const folder = attempt(() => lstatSync(directory, { throwIfNoEntry: false }), refuse);
  if (folder?.isDirectory() !== true) throw refuse(`${directory} is not a directory`);
  if (folder.uid !== 0 || (folder.mode & 0o022) !== 0) {
    throw refuse(`${directory} must belong to root and be writable by root only`);
  }
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = attempt(() => openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), refuse);
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.nlink !== 1)
      throw refuse('it is not a regular file with one name');
    if (found.uid !== 0) throw refuse('it does not belong to root');
    if ((found.mode & 0o027) !== 0) throw refuse('its mode lets other users read or write it');
    if (found.size > largest) throw refuse(`it is larger than ${largest} bytes`);
    return readFileSync(fd, 'utf8').replace(/\r?\n$/, '');
  } finally {
    closeSync(fd);
  }
}

function attempt<T>(look: () => T, refuse: (why: string, cause: unknown) => Failure): T {
  try {
    return look();
  } catch (error) {
    throw refuse(whyUnreadable(error), error);
  }
}

/** An error of opening a file, in words for the operator. */
export function whyUnreadable(error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'ELOOP') return 'it is a link';
  if (code === 'EACCES') return 'this user may not read it';
  return `it cannot be opened (${code})`;
}

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Failure } from '../../failure.ts';

/**
 * The text of the log and of everything it was rotated into, compressed ones included.
 *
 * A file that cannot be read, such as one that is being compressed, does not hide the others.
 */
export function readLogFiles(file: string, complain: (failure: Failure) => void): string {
  const names = listFiles(file);
  if (names.length === 0) {
    throw new Failure('not-found', `There is no log ${file} on this server`, {
      advice: 'Nothing was called yet, or "log" in the configuration says otherwise; doctor tells',
    });
  }
  const read = (name: string): string => {
    try {
      return readOne(name);
    } catch (thrown) {
      complain(Failure.from(thrown));
      return '';
    }
  };
  return names.map(read).join('\n');
}

function listFiles(file: string): string[] {
  const own = basename(file);
  try {
    return readdirSync(dirname(file))
      .filter((name) => name === own || isRotated(name, own))
      .map((name) => join(dirname(file), name));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw unreadable(dirname(file), code);
  }
}

/** `.1` as we rotate, `-20261124.gz` and the like as logrotate does. */
function isRotated(name: string, own: string): boolean {
  return name.startsWith(own) && /^[.-]\d+([.-]\d+)?(\.gz)?$/.test(name.slice(own.length));
}

function readOne(path: string): string {
  try {
    const bytes = readFileSync(path);
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    // Rotated away between listing and reading: it is under its next name, or too old.
    if (code === 'ENOENT') return '';
    throw unreadable(path, code);
  }
}

function unreadable(path: string, code: string): Failure {
  const forbidden = code === 'EACCES' || code === 'EPERM';
  return new Failure('denied', `${path} cannot be read (${code})`, {
    advice: forbidden ? 'Run it as user cloud or as root' : undefined,
  });
}

import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../../failure.ts';
import { systemCode } from '../../../kit/system-error.ts';

/** The name of a driver, which is the name of its file: never a path. */
export const driverName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The place of the drivers on this server, as only root can choose it. */
export interface Drivers {
  readonly directory: string;
  /** The user whom folder and files have to belong to. */
  readonly owner: number;
}

/** A driver's file, and a text that is another one after every change of the file. */
export interface Executable {
  readonly path: string;
  readonly version: string;
}

/**
 * The file of a driver, looked at before each run: the process runs it with the management server's
 * rights, so that only the owner may be able to write it or to put another one in its place.
 */
export function executableOf(name: string, { directory, owner }: Drivers): Executable {
  if (!driverName.test(name)) {
    throw new Failure('config', `"${name}" is not the bare name of a file in ${directory}`);
  }
  // A folder that is missing is told by the file that is wanted.
  const folder = look(`${directory}/${name}`, () => lstatSync(directory));
  if (!folder.isDirectory()) throw refused(directory, 'it is not a directory');
  refuseOthers(directory, folder, owner);
  const path = look(`${directory}/${name}`, () => realpathSync(`${directory}/${name}`));
  if (dirname(path) !== look(directory, () => realpathSync(directory))) {
    throw refused(`${directory}/${name}`, `it is a link that leads out, to ${path}`);
  }
  return { path, version: checkedVersion(path, owner) };
}

/** As it is, without a look at owner and folder: for the author of a driver, at his own word. */
export function executableAt(path: string): Executable {
  return { path, version: checkedVersion(path, undefined) };
}

function checkedVersion(path: string, owner: number | undefined): string {
  const found = look(path, () => statSync(path, { bigint: true }));
  if (!found.isFile()) throw refused(path, 'it is not a regular file');
  const mode = Number(found.mode);
  if (owner !== undefined) refuseOthers(path, { uid: Number(found.uid), mode }, owner);
  if ((mode & 0o111) === 0) throw refused(path, 'it may not be executed', `chmod 0755 ${path}`);
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join('.');
}

function refuseOthers(
  path: string,
  { uid, mode }: { readonly uid: number; readonly mode: number },
  owner: number,
): void {
  const advice = `Run: chown ${owner === 0 ? 'root' : owner} ${path}; chmod go-w ${path}`;
  if (uid !== owner) throw refused(path, `it does not belong to user ${owner}`, advice);
  if ((mode & 0o022) !== 0) throw refused(path, 'users other than its owner may write it', advice);
}

function look<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be looked at (${code})`;
    throw refused(path, why, 'Install it with install.sh --driver FILE');
  }
}

function refused(path: string, why: string, advice?: string): Failure {
  return new Failure('config', `Cannot use the driver ${path}: ${why}`, { advice });
}

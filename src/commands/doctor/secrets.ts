import type { Level } from '../../cloudstack/details.ts';
import type { Fields } from '../../contract/field.ts';
import type { Check } from '../../contract/provider.ts';
import { type Account, barrier, entryAt, may, modeOf, ownerOf } from './account.ts';
import { fail, ok, skipped, warn } from './finding.ts';

/** Secrets that stand in details: CloudStack writes details to its log, files it does not. */
export function plainSecretChecks(fields: Fields, levels: readonly Level[]): Check[] {
  const keys = Object.entries(fields).flatMap(([key, { secret, also = [] }]) =>
    secret === true ? [key, ...also] : [],
  );
  return levels.flatMap(({ name, details }) =>
    keys
      .filter((key) => (details[key]?.trim() ?? '') !== '')
      .map((key) =>
        warn(
          'secrets',
          `the ${name} detail "${key}" holds the secret itself, which CloudStack writes to management-server.log with every call`,
          `Put it into a file of /etc/outrigger/secrets on every server and give ${key}_file=NAME in its place`,
        ),
      ),
  );
}

/** Whether the service alone can read the files that details name. */
export function secretChecks(
  directory: string,
  fields: Fields,
  levels: readonly Level[],
  account: Account,
): Check[] {
  const names = namedFiles(fields, levels);
  if (names.length === 0) return [skipped('secrets', 'no detail names a file')];
  const folder = entryAt(directory);
  if (folder?.isDirectory() !== true) {
    return [
      fail(
        'secrets',
        `${directory} is not a directory`,
        `install -d -m 0750 -g cloud ${directory}`,
      ),
    ];
  }
  if (folder.uid !== 0 || (folder.mode & 0o022) !== 0) {
    const shown = `${ownerOf(folder)}, mode ${modeOf(folder)}`;
    return [
      fail(
        'secrets',
        `${directory} (${shown}) must belong to root and be writable by root only`,
        `chown root:cloud ${directory}; chmod 0750 ${directory}`,
      ),
    ];
  }
  return names.map((name) => secretCheck(`${directory}/${name}`, account));
}

function secretCheck(path: string, account: Account): Check {
  const mend = `chown root:cloud ${path}; chmod 0640 ${path}`;
  const wall = barrier(account, path);
  if (wall !== undefined) {
    return fail('secrets', `${account.name} may not enter ${wall}`, `chgrp cloud ${wall}`);
  }
  const found = entryAt(path);
  if (found === undefined) {
    return fail('secrets', `there is no file ${path}`, 'Put it on every management server');
  }
  const shown = `${ownerOf(found)}, mode ${modeOf(found)}`;
  if (!found.isFile()) return fail('secrets', `${path} is not a plain file`, mend);
  if (found.uid !== 0 || (found.mode & 0o027) !== 0) {
    return fail('secrets', `${path} (${shown}) must be root's and closed to others`, mend);
  }
  if (!may(account, 'read', found)) {
    return fail('secrets', `${account.name} may not read ${path} (${shown})`, mend);
  }
  return ok('secrets', `${path}: ${shown}`);
}

function namedFiles(fields: Fields, levels: readonly Level[]): string[] {
  const words = Object.entries(fields).flatMap(([key, { secret, file, also = [] }]) =>
    [key, ...also].flatMap((word) => [
      ...(secret === true ? [`${word}_file`] : []),
      ...(file === true ? [word] : []),
    ]),
  );
  const found = levels.flatMap(({ details }) =>
    words.filter((word) => Object.hasOwn(details, word)).map((word) => details[word]?.trim() ?? ''),
  );
  return [...new Set(found)].filter((name) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name));
}

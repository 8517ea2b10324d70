import { lstatSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The user that CloudStack's management server runs as, or the one that doctor looks with instead. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
  readonly home: string | undefined;
}

/** Where users and groups are listed; other files in tests. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export const systemUsers: UserFiles = { passwd: '/etc/passwd', group: '/etc/group' };

/** The account by its name, with all its groups; `undefined` when there is none. */
export function findAccount(name: string, files: UserFiles = systemUsers): Account | undefined {
  const fields = lines(files.passwd)
    .map((line) => line.split(':'))
    .find(([user]) => user === name);
  if (fields === undefined) return undefined;
  const [, , uid, gid, , home] = fields;
  const more = lines(files.group)
    .map((line) => line.split(':'))
    .filter(([, , , members = '']) => members.split(',').includes(name))
    .map(([, , id]) => Number(id));
  return { name, uid: Number(uid), gids: [Number(gid), ...more], home };
}

export type Right = 'read' | 'write' | 'execute';

const bits: Readonly<Record<Right, number>> = { read: 4, write: 2, execute: 1 };

/**
 * Whether the account has the right, by owner, group and mode.
 *
 * Computed, since doctor may run as root, to whom everything is allowed.
 */
export function may(account: Account, right: Right, found: Stats): boolean {
  if (account.uid === 0) return true;
  const bit = bits[right];
  if (found.uid === account.uid) return (found.mode & (bit << 6)) !== 0;
  if (account.gids.includes(found.gid)) return (found.mode & (bit << 3)) !== 0;
  return (found.mode & bit) !== 0;
}

/** The first directory above the path that the account cannot pass, if there is one. */
export function barrier(account: Account, path: string): string | undefined {
  const above: string[] = [];
  for (let each = dirname(path); ; each = dirname(each)) {
    above.unshift(each);
    if (each === dirname(each)) break;
  }
  return above.find((directory) => {
    const found = statSync(directory, { throwIfNoEntry: false });
    return found !== undefined && !may(account, 'execute', found);
  });
}

/** The entry at the path, links not followed; `undefined` when there is none or it cannot be seen. */
export function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The path, or the nearest directory above it that is there: the one in which it would be made. */
export function nearestThere(path: string): string {
  return entryAt(path) !== undefined || path === dirname(path) ? path : nearestThere(dirname(path));
}

/** Whether the user of this process may not even see the entry at the path. */
export function isHidden(path: string): boolean {
  try {
    lstatSync(path, { throwIfNoEntry: false });
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** The mode as `chmod` takes it. */
export function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** The owner's name where the list of users has one. */
export function ownerOf({ uid }: Stats, files: UserFiles = systemUsers): string {
  const name = lines(files.passwd)
    .map((line) => line.split(':'))
    .find(([, , id]) => Number(id) === uid)?.[0];
  return name ?? `user ${uid}`;
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

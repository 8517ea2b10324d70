import { type StatsFs, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../cloudstack/config.ts';
import type { Check } from '../../contract/provider.ts';
import { type Account, nearestThere } from './account.ts';
import { fail, ok, warn } from './finding.ts';

const mebibyte = 1024 ** 2;
/** The log alone grows to six files of 10 MiB. */
const enough = 128 * mebibyte;
const least = 8 * mebibyte;

/** Reads the room of the file system of a path; another one in tests. */
export type Statfs = (path: string) => Pick<StatsFs, 'bavail' | 'bsize' | 'ffree' | 'files'>;

interface Room {
  readonly uses: string[];
  readonly path: string;
  readonly freeBytes: number;
  readonly noFiles: boolean;
}

/** The free space for everything that is written on this server, one line for each file system. */
export function spaceChecks(
  config: Config,
  account: Account,
  statfs: Statfs = statfsSync,
): Check[] {
  const rooms = new Map<number, Room>();
  for (const [use, wanted] of placesOf(config, account)) {
    const path = nearestThere(wanted);
    const device = statSync(path).dev;
    const known = rooms.get(device);
    if (known === undefined) rooms.set(device, { uses: [use], path, ...roomAt(path, statfs) });
    else known.uses.push(use);
  }
  return [...rooms.values()].map(judge);
}

function placesOf({ log, memo, stateDirectory }: Config, { home = '' }: Account) {
  const homely = home === '' ? [] : [['payloads', join(home, 'extensions')] as const];
  const state = stateDirectory ?? (home === '' ? undefined : join(home, '.local/state/outrigger'));
  return [
    ...(log.enabled ? [['log', dirname(log.file)] as const] : []),
    ...(memo.seconds > 0 ? [['memo', memo.directory] as const] : []),
    ...(state === undefined ? [] : [['state', state] as const]),
    ...homely,
  ];
}

function roomAt(path: string, statfs: Statfs): Pick<Room, 'freeBytes' | 'noFiles'> {
  const { bavail, bsize, ffree, files } = statfs(path);
  // Some file systems make room for files as they need it and count none.
  return {
    freeBytes: Number(bavail) * Number(bsize),
    noFiles: Number(files) > 0 && Number(ffree) === 0,
  };
}

function judge({ uses, path, freeBytes, noFiles }: Room): Check {
  const what = `for ${uses.join(', ')}`;
  const free = `${path}: ${Math.floor(freeBytes / mebibyte)} MiB free ${what}`;
  const advice = `Make room on the file system of ${path}: without it calls are not logged, and CloudStack cannot write their payloads`;
  if (noFiles) return fail('space', `${path}: no file can be made any more ${what}`, advice);
  if (freeBytes < least) return fail('space', free, advice);
  return freeBytes < enough ? warn('space', free, advice) : ok('space', free);
}
